import type { EdgeModel } from '../model.ts';
import { SWITCH_SET, TRUNK_GROUP } from '../tables.ts';

/** User agents of programs that look for open switches; only unknown sources are judged by it. */
const SCANNERS =
  'friendly-scanner|sipvicious|sipsak|sipcli|sip-scan|sundayddr|iwar|vaxsip|pplsip|sipptk|smap|siparmyknife';

/** RFC 3261 checks of the module sanity: all that concern a proxy, Proxy-Require and duplicate tags too. */
const SANITY_CHECKS = 6119;
const SANITY_URI_CHECKS = 7;

/** Where every request goes first: who sent it, is it sane, what kind is it. */
export function requestSection(model: EdgeModel): string {
  const unknownReply =
    model.unknownSources === 'forbid' ? 'if (!is_method("ACK")) sl_send_reply("403", "Forbidden");' : '# silence';
  const own = `${model.advertise.host}:${model.advertise.port}`.replaceAll('.', '[.]');
  return `
request_route {
    route(SOURCE);
    route(SANE);

    if (is_method("OPTIONS") && !has_totag()) {
        if ($sht(edge=>admit) == "1") {
            sl_send_reply("200", "OK");
        } else {
            sl_send_reply("503", "Service Unavailable");
        }
        exit;
    }

    if (!mf_process_maxfwd_header("70")) {
        update_stat("too_many_hops", "+1");
        if (!is_method("ACK")) sl_send_reply("483", "Too Many Hops");
        exit;
    }

    if (!is_method("INVITE|ACK|CANCEL|BYE|OPTIONS|INFO|UPDATE|PRACK")) {
        update_stat("method_refused", "+1");
        append_to_reply("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK\\r\\n");
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }

    if (is_method("CANCEL")) {
        if (t_check_trans()) {
            t_relay();
        } else {
            sl_send_reply("481", "Call/Transaction Does Not Exist");
        }
        exit;
    }

    if (has_totag()) {
        route(DIALOG);
        exit;
    }

    if (is_method("ACK")) {
        if (t_check_trans()) t_relay();
        exit;
    }
    if (!is_method("INVITE")) {
        update_stat("dialog_refused", "+1");
        sl_send_reply("481", "Call/Transaction Does Not Exist");
        exit;
    }

    # A retransmission: tm repeats its last reply.
    if (t_precheck_trans()) {
        t_check_trans();
        exit;
    }
    t_check_trans();

    # Our own Via: the request has been here before (RFC 3261 16.3 item 4).
    if (search_hf("Via", "${own}([^0-9]|$)", "a")) {
        update_stat("loop", "+1");
        sl_send_reply("482", "Loop Detected");
        exit;
    }

    if ($sht(edge=>admit) != "1") {
        update_stat("not_admitted", "+1");
        sl_send_reply("503", "Service Unavailable");
        exit;
    }

    if ($var(peer) == "trunk") {
        route(FROM_TRUNK);
    } else {
        route(FROM_SWITCH);
    }
    exit;
}

# Sets $var(peer) to trunk or switch, and for a trunk $var(trunk) and $var(settings). Ends all others.
# ($var is the process's, not the message's: everything is set here for every message.)
route[SOURCE] {
    $var(peer) = "";
    $var(trunk) = "";
    $var(settings) = "";
    if (ds_is_from_list("${SWITCH_SET}", "2")) {
        $var(peer) = "switch";
        return;
    }
    # Over TCP a switch calls from any port.
    if ($proto == "tcp" && ds_is_from_list("${SWITCH_SET}", "3")) {
        $var(peer) = "switch";
        return;
    }
    if (allow_source_address("${TRUNK_GROUP}")) {
        $var(trunk) = $avp(trunk);
        if ($sht(trunk=>$var(trunk)) != $null) {
            $var(peer) = "trunk";
            $var(settings) = $sht(trunk=>$var(trunk));
            if (!pl_check("all-$var(trunk)", "TAILDROP", "${model.trunkRequestsPerSecond}")) {
                update_stat("trunk_flood", "+1");
                exit;
            }
            return;
        }
    }

    # Nobody we know. No reply that could be aimed at somebody else's address, unless wanted.
    update_stat("unknown_source", "+1");
    if ($sht(banned=>$si) != $null) exit;
    if (!pike_check_req()) {
        $sht(banned=>$si) = 1;
        update_stat("unknown_source_banned", "+1");
        xlog("L_WARN", "unknown source $si sends too much and is ignored for ${model.unknownSourceLimit.banSeconds} s\\n");
        exit;
    }
    if ($ua =~ "(${SCANNERS})") {
        update_stat("scanner", "+1");
        exit;
    }
    ${unknownReply}
    exit;
}

route[SANE] {
    if ($ml > ${model.maxMessageBytes}) {
        update_stat("too_large", "+1");
        if (!is_method("ACK")) sl_send_reply("513", "Message Too Large");
        exit;
    }
    if (!sanity_check("${SANITY_CHECKS}", "${SANITY_URI_CHECKS}")) {
        update_stat("malformed", "+1");
        xlog("L_NOTICE", "malformed request refused: peer=$var(peer) trunk=$var(trunk) source=$si:$sp\\n");
        exit;
    }
}
`;
}
