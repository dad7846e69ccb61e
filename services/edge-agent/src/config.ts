import { knob } from '@ringback/service-kit';

export const CONFIG = {
  EDGE_ID: knob.string({ doc: 'name of this edge' }),
  EDGE_SIP_ADDRESS: knob.address({ doc: 'host:port where switches reach Kamailio: told to their agents' }),
  EDGE_CONFIG_DIR: knob.string({ doc: 'directory of kamailio.cfg; tables and the switch list are written there' }),
  EDGE_RUN_DIR: knob.string({ doc: 'directory of Kamailio’s control socket' }),
  STATE_DIR: knob.string({ doc: 'directory of the last known state' }),
  DIALER_ADDRESS: knob.address({ doc: 'host:port of the dialer’s gRPC' }),
  NATS_URL: knob.string({ doc: 'NATS server' }),
  SWITCH_POOLS: knob.list({
    doc: 'pools whose switches (named <pool>-<anything without a dash>) stand behind this edge; none: all switches',
    default: [],
  }),
  EVENT_KEY: knob.secret({
    doc: 'the dialer’s: opens the passwords of trunks that want a registration; empty: none is made',
    default: '',
    min: 32,
  }),
  REGISTRATION_INTERVAL: knob.duration({
    doc: 'between two looks at registrations, and questions for their lease, which lasts 15 s',
    default: 3_000,
    min: 100,
    max: 5_000,
  }),
  POLL_INTERVAL: knob.duration({ doc: 'between two looks at Kamailio', default: 1_000, min: 100, max: 60_000 }),
  SWITCH_SILENT_AFTER: knob.duration({
    doc: 'a switch whose agent is silent for so long takes no new calls until a probe is answered',
    default: 5_000,
    min: 2_000,
  }),
  SWITCH_FORGET_AFTER: knob.duration({
    doc: 'a switch whose agent is silent for so long is removed: longer than any call',
    default: 24 * 3_600_000,
    min: 60_000,
  }),
};
