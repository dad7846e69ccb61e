import type { EdgeModel } from '../model.ts';
import { SWITCH_SET } from '../tables.ts';

/** Headers of the platform: only switches and this edge may set them. */
const OWN_HEADERS = '^X-(Ringback-.*|Traceparent)$';
/** What a trunk is not told: ours, and what FreeSWITCH adds for its own kind. */
const INTERNAL_HEADERS = '^X-(Ringback-.*|Traceparent|FS-.*)$';

/** Initial INVITE from a trunk: an access number, with what the switch needs to know, to one of the switches. */
export function trunkSection(model: EdgeModel): string {
  return `
route[FROM_TRUNK] {
    if ($(var(settings){param.value,in}) != "1") {
        sl_send_reply("403", "Forbidden");
        exit;
    }
    $var(limit) = $(var(settings){param.value,cpsin}{s.int});
    if ($var(limit) > 0 && !pl_check("in-$var(trunk)", "TAILDROP", "$var(limit)")) {
        update_stat("trunk_limited_in", "+1");
        sl_send_reply("503", "Service Unavailable");
        exit;
    }

    # Access numbers stand with +; carriers send +48…, 0048… or 48….
    $var(number) = $(rU{s.select,0,;});
    # The Contact we registered at this trunk: the number called stands in To.
    if ($rU == $var(trunk)) $var(number) = $(tU{s.select,0,;});
    if ($var(number) =~ "^00") {
        $var(number) = "+" + $(var(number){s.substr,2,0});
    } else if ($var(number) =~ "^[1-9]") {
        $var(number) = "+" + $var(number);
    }
    $var(access) = $sht(access=>$var(number));
    if ($var(access) == $null || $var(access) == 0) {
        update_stat("unknown_number", "+1");
        sl_send_reply("404", "Not Found");
        exit;
    }

    route(IDENTITY);
    remove_hf_re("${OWN_HEADERS}");
    remove_hf("Route");
    if ($var(trusted) != 1) remove_hf_re("^(P-Asserted-Identity|P-Preferred-Identity|Remote-Party-ID)$");
    if ($(var(settings){param.value,diversion}) == "ignore") remove_hf_re("^(Diversion|History-Info)$");

    # New trace for this call (W3C trace context): 16 and 8 random bytes.
    $var(trace) = $(uuid(r){s.rm,-});
    $var(span) = $(uuid(r){s.rm,-});
    append_hf("X-Traceparent: 00-$var(trace)-$(var(span){s.substr,16,16})-01\\r\\n");
    # Epoch seconds with microseconds: where the trace begins.
    append_hf("X-Ringback-Received: $TV(Sn)\\r\\n");
    append_hf("X-Ringback-Trunk: $var(trunk)\\r\\n");
    append_hf("X-Ringback-Trusted: $var(believed)\\r\\n");
    append_hf("X-Ringback-Country: $(var(settings){param.value,country})\\r\\n");
    append_hf("X-Ringback-Access-Number: $var(number)\\r\\n");
    append_hf("X-Ringback-Mode: $(var(access){param.value,mode})\\r\\n");
    append_hf("X-Ringback-Ring-Time: $(var(access){param.value,ring})\\r\\n");
    append_hf("X-Ringback-Reject: $(var(access){param.value,reject})\\r\\n");
    append_hf("X-Ringback-Caller: $var(caller)\\r\\n");
    append_hf("X-Ringback-Hidden: $var(hidden)\\r\\n");
    append_hf("X-Ringback-Diverted: $var(diverted)\\r\\n");
    append_hf("X-Ringback-Verstat: $var(verstat)\\r\\n");
    $rU = $var(number);

    if (!ds_select_dst("${SWITCH_SET}", "4")) {
        update_stat("no_switch", "+1");
        sl_send_reply("503", "Service Unavailable");
        exit;
    }
    update_stat("trigger_relayed", "+1");
    xlog("L_NOTICE", "call from trunk $var(trunk) to switch $du trace=$var(trace)\\n");
    route(RECORD);
    $avp(rang) = 0;
    t_set_fr("${model.timers.finalReplyMs}", "${model.timers.switchReplyMs}");
    t_on_reply("SWITCH_REPLY");
    t_on_failure("SWITCH_FAILED");
    if (!t_relay()) sl_reply_error();
    exit;
}

# Who calls? Sets $var(caller), (believed), (hidden), (diverted), (verstat), (trusted) from the headers as they came.
route[IDENTITY] {
    $var(trusted) = $(var(settings){param.value,trusted}{s.int});
    $var(believed) = $var(trusted);
    $var(identity) = $(var(settings){param.value,identity});
    $var(caller) = "";
    $var(source) = "";
    if ($var(identity) == "pai") {
        if (is_present_hf("P-Asserted-Identity") && $ai != $null) $var(source) = $ai;
    } else if ($var(identity) == "rpid") {
        if (is_present_hf("Remote-Party-ID") && $re != $null) $var(source) = $re;
    } else {
        $var(source) = $fu;
    }
    if ($var(source) == "") {
        # The header the trunk vouches for is missing: From alone is anyone's word.
        $var(source) = $fu;
        $var(believed) = 0;
    }
    if ($var(source) =~ "^[Tt][Ee][Ll]:") {
        $var(caller) = $(var(source){s.substr,4,0}{s.select,0,;});
    } else if ($var(source) =~ "@") {
        $var(caller) = $(var(source){uri.user}{s.select,0,;});
    }
    # Only what can be a number or a name goes on, in one line.
    if (!($var(caller) =~ "^[0-9A-Za-z+*#._!~'()&=$,-]{1,64}$")) $var(caller) = "";

    $var(hidden) = 0;
    if ($var(caller) == "" || $var(caller) =~ "^(anonymous|restricted|unavailable|unknown|private|withheld)$") {
        $var(hidden) = 1;
    }
    if (search_hf("Privacy", "(^|[;, ])(id|user|header|critical)([;, ]|$)", "a")) $var(hidden) = 1;
    if ($fu =~ "(^sips?:(anonymous|restricted|private|withheld)@|@anonymous[.]invalid)") $var(hidden) = 1;
    if ($var(trusted) == 1 && search_hf("Remote-Party-ID", ";[ ]*privacy=\\"?(full|uri|name)", "a")) $var(hidden) = 1;

    $var(diverted) = 0;
    if ($(var(settings){param.value,diversion}) == "mark") {
        if (is_present_hf("Diversion")) $var(diverted) = 1;
        if (search_hf("History-Info", "cause(=|%3[Dd])[0-9]+", "a")) $var(diverted) = 1;
    }

    # STIR/SHAKEN as the carrier verified it (3GPP TS 24.229 7.2A.20), where the carrier is believed.
    $var(verstat) = "";
    if ($var(trusted) == 1) {
        $var(stated) = $(hdr(P-Asserted-Identity));
        if ($var(stated) == $null || !($var(stated) =~ "verstat=")) $var(stated) = $hdr(From);
        if ($var(stated) =~ ";verstat=[a-z-]+") {
            $var(verstat) = $(var(stated){re.subst,/^.*;verstat=([A-Za-z-]+).*$/\\1/i});
        }
    }
}
`;
}

/** Initial INVITE from a switch: to a trunk's gateway and nowhere else. */
export function switchSection(model: EdgeModel): string {
  return `
route[FROM_SWITCH] {
    $var(key) = $(rd{s.tolower}) + ":" + $rp;
    $var(trunk) = $sht(gateway=>$var(key));
    if ($var(trunk) == $null || $var(trunk) == 0) {
        update_stat("unknown_gateway", "+1");
        xlog("L_WARN", "switch $si:$sp asks for a gateway that no trunk has: $var(key)\\n");
        sl_send_reply("403", "Unknown Gateway");
        exit;
    }
    $var(settings) = $sht(trunk=>$var(trunk));
    $var(limit) = $(var(settings){param.value,cpsout}{s.int});
    if ($var(limit) > 0 && !pl_check("out-$var(trunk)", "TAILDROP", "$var(limit)")) {
        update_stat("trunk_limited_out", "+1");
        sl_send_reply("503", "Service Unavailable");
        exit;
    }
    update_stat("outbound_relayed", "+1");
    $var(trace) = $(hdr(X-Traceparent){s.select,1,-});
    xlog("L_NOTICE", "call from switch $si:$sp to trunk $var(trunk) trace=$var(trace)\\n");
    remove_hf_re("${INTERNAL_HEADERS}");
    remove_hf("Route");
    $du = $null;
    route(RECORD);
    t_set_fr("${model.timers.finalReplyMs}", "${model.timers.trunkReplyMs}");
    t_on_reply("TRUNK_REPLY");
    t_on_failure("TRUNK_FAILED");
    if (!t_relay()) sl_reply_error();
    exit;
}
`;
}

/** What follows the INVITE: Record-Route, requests inside a call, replies, failover. */
export function dialogSection(model: EdgeModel): string {
  return `
# Signature of the Call-ID: only who was in the call knows it.
route[SIGN] {
    $var(signed) = "${model.dialogSecret}|" + $ci;
    $var(signature) = $(var(signed){s.sha256}{s.substr,0,32});
}

route[RECORD] {
    route(SIGN);
    add_rr_param(";call=$var(signature)");
    record_route();
}

route[DIALOG] {
    # The topmost Route; loose_route takes it away.
    $var(route) = $(hdr(Route){s.select,0,>});
    if (!loose_route()) {
        # ACK of a final reply that was ours or that tm relayed: same transaction.
        if (is_method("ACK")) {
            if (t_check_trans()) t_relay();
            exit;
        }
        update_stat("dialog_refused", "+1");
        sl_send_reply("403", "Not In A Call Of Ours");
        exit;
    }
    route(SIGN);
    if ($(var(route){param.value,call}) != $var(signature)) {
        update_stat("dialog_refused", "+1");
        xlog("L_WARN", "request without our signature refused: peer=$var(peer) trunk=$var(trunk) source=$si:$sp\\n");
        if (!is_method("ACK")) sl_send_reply("403", "Not In A Call Of Ours");
        exit;
    }
    if ($var(peer) == "trunk") {
        # A trunk talks to switches, to nothing else behind us.
        $var(target) = $du;
        if ($var(target) == $null || $var(target) == 0) $var(target) = $ru;
        if (!ds_is_from_list("${SWITCH_SET}", "2", "$var(target)")) {
            update_stat("dialog_refused", "+1");
            if (!is_method("ACK")) sl_send_reply("481", "Call/Transaction Does Not Exist");
            exit;
        }
        remove_hf_re("${OWN_HEADERS}");
        t_on_reply("SWITCH_REPLY");
    } else {
        remove_hf_re("${INTERNAL_HEADERS}");
        t_on_reply("TRUNK_REPLY");
    }
    if (!t_relay()) sl_reply_error();
    exit;
}

# Replies that belong to no transaction (ours died with a restart) are passed on for known peers only.
reply_route {
    if (t_check_trans()) return;
    if (ds_is_from_list("${SWITCH_SET}", "3")) {
        remove_hf_re("${INTERNAL_HEADERS}");
        return;
    }
    if (allow_source_address("1")) {
        remove_hf_re("${OWN_HEADERS}");
        return;
    }
    update_stat("unknown_source", "+1");
    drop;
}

# From a switch to a trunk. Some carriers block a whole trunk that is told Retry-After.
onreply_route[SWITCH_REPLY] {
    if ($rs > 100 && $rs < 200) $avp(rang) = 1;
    remove_hf_re("${INTERNAL_HEADERS}");
    remove_hf("Retry-After");
}

onreply_route[TRUNK_REPLY] {
    remove_hf_re("${OWN_HEADERS}");
}

# The next switch, if this one refused by 503 or said nothing at all. Never once it rang: the caller would be taken
# for calling twice.
failure_route[SWITCH_FAILED] {
    if (t_is_canceled()) exit;
    $var(silent) = 0;
    if (t_branch_timeout() && !t_branch_replied()) {
        $var(silent) = 1;
        # Others shall not wait for it too; a good probe revives it.
        ds_mark_dst("ip");
    }
    if ($var(silent) == 0 && !t_check_status("503")) exit;
    if ($avp(rang) != 1 && ds_next_dst()) {
        update_stat("switch_failover", "+1");
        xlog("L_NOTICE", "next switch $du after silent=$var(silent)\\n");
        t_set_fr("${model.timers.finalReplyMs}", "${model.timers.switchReplyMs}");
        t_on_reply("SWITCH_REPLY");
        t_on_failure("SWITCH_FAILED");
        t_relay();
        exit;
    }
    # Said by us: tm would pass a 503 on as 500 (RFC 3261 16.7).
    update_stat("no_switch", "+1");
    t_reply("503", "Service Unavailable");
}

# No word from the gateway is congestion to the switch (cause 41: the next trunk may be tried), not a callee's silence.
failure_route[TRUNK_FAILED] {
    if (t_is_canceled()) exit;
    if (t_branch_timeout() && !t_branch_replied()) {
        update_stat("trunk_unreachable", "+1");
        t_reply("503", "Trunk Unreachable");
    } else if (t_check_status("503")) {
        # Said by us: tm would pass a 503 on as 500 (RFC 3261 16.7), which is no congestion.
        t_reply("503", "Service Unavailable");
    }
}

event_route[dispatcher:dst-down] {
    xlog("L_WARN", "switch silent: $du\\n");
}

event_route[dispatcher:dst-up] {
    xlog("L_NOTICE", "switch answers: $du\\n");
}

event_route[core:receive-parse-error] {
    update_stat("malformed", "+1");
}
`;
}
