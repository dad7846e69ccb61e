/** Recordings that are not replayed, and why. */
export const NOT_COMPARED: Readonly<Record<string, string>> = {
  s10i_bind_meta_app_star_2: 'bind_meta_app: the road binds digits by bind_digit_action only',
  s12_conference_two_members: 'conferences come with their own issue',
  s13_uuid_hold_record_dual: 'uuid_record: the road records nothing',
  s15_originate_to_bridge_failover_and_forked:
    'its first leg has no given uuid and no inbound call: it cannot be told apart',
  s19_outbound_socket_mode: 'outbound event socket: agents connect to the switch',
  x01e_uuid_broadcast_aleg_and_playback_during_bridge: 'uuid_broadcast into a bridge: the road uses uuid_displace',
  x08q_clear_digit_action_realm_only_holds_digits: 'when its held digits were keyed shows in no event',
  x09b_inbound_direct_mode_ring_ready_park_then_uuid_answer:
    'its dialplan had no limit for direct calls, the generated one has',
  x09f_inbound_A_two_bridges_nothing_set: 'its dialplan had no limit for direct calls, the generated one has',
  x13a_dtmf_info_rfc4733_inband_profile_rfc2833: 'in-band tones: dev-media tests the detector',
  x13b_dtmf_info_rfc4733_inband_profile_liberal_dtmf: 'in-band tones: dev-media tests the detector',
  x13c_peer_without_telephone_event_start_dtmf: 'in-band tones: dev-media tests the detector',
  x11_originate_headers_on_the_wire: 'shows SIP, not events: road.test.ts looks at the INVITE',
  x12a_media_timeout_6000_parked_leg:
    'that the far end falls silent shows in no event: road.test.ts tests media_timeout',
  x12d_media_timeout_6000_in_bridge_B_falls_silent:
    'that the far end falls silent shows in no event: road.test.ts tests media_timeout',
  x12b_rtp_timeout_sec_6_parked_leg: 'rtp_timeout_sec is deprecated: the road sets media_timeout',
  x12c_session_timers_90_peer_does_not_answer_the_refresh: "session timers are dev-sip's, tested there",
  x12e_session_timers_90_we_refresh_then_peer_is_dead: "session timers are dev-sip's, tested there",
  s19_outbound_socket_side: 'outbound event socket: agents connect to the switch',
};

export interface Allowed {
  /** Scenarios it holds for. */
  scenario: RegExp;
  /** The difference's place. */
  where: RegExp;
  reason: string;
}

/** Differences that are understood and harmless to the road. */
export const ALLOWED: readonly Allowed[] = [
  {
    scenario: /./,
    where: /^[B-Z] CHANNEL_\w+#\d+ (Channel-Call-UUID|variable_bridge_hangup_cause)/,
    reason:
      "A's thread resets B's call id and cause when it leaves the bridge, B's ends B: which comes first differs from recording to recording",
  },
  {
    scenario: /^s10[klm]_/,
    where: /CHANNEL_EXECUTE#\d+ |^reply/,
    reason:
      'bind_digit_action and uuid_bridge were sent in one instant: whether the bindings run just before or just after the take-over is chance',
  },
  {
    scenario: /^x/,
    where: /(Channel-Read-Codec-Name|variable_read_codec)/,
    reason: 'FreeSWITCH reads L16 while it plays a ring tone',
  },
  {
    scenario: /^x07/,
    where: /^reply to "api sched_del/,
    reason: 'a task deleted twice counts twice only until the next look, up to half a second later',
  },
  {
    scenario: /^x08f_/,
    where: /^order of B/,
    reason: 'nobody listens: the refusal comes before or after CS_CONSUME_MEDIA is told',
  },
  {
    scenario: /^s05f_/,
    where: /^order of A/,
    reason: 'uuid_kill raced a queued `set`: it runs before or after the hang-up',
  },
];
