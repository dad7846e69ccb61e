/** Recordings that are not replayed, and why. */
export const NOT_COMPARED: Readonly<Record<string, string>> = {
  s10i_bind_meta_app_star_2: 'bind_meta_app: the road binds digits by bind_digit_action only',
  s12_conference_two_members: 'conferences come with their own issue',
  s13_uuid_hold_record_dual: 'uuid_record: the road records nothing',
  s15_originate_to_bridge_failover_and_forked:
    'its first leg has no given uuid and no inbound call: it cannot be told apart',
  s19_outbound_socket_mode: 'outbound event socket: agents connect to the switch',
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
export const ALLOWED: readonly Allowed[] = [];
