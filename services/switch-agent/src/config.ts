import { knob } from '@ringback/service-kit';

export const CONFIG = {
  SWITCH_ID: knob.string({
    doc: 'name of this switch',
    // It is a part of NATS subjects.
    matching: /^[A-Za-z0-9_-]{1,64}$/,
    pattern: '1 to 64 of A–Z a–z 0–9 _ -',
  }),
  NATS_URL: knob.string({ doc: 'NATS server' }),
  ESL_ADDRESS: knob.address({ doc: 'host:port of the switch’s event socket' }),
  ESL_PASSWORD: knob.string({ doc: 'password of the event socket', secret: true }),
  SIP_ADDRESS: knob.address({ doc: 'host:port where edges reach the switch' }),
  SOFIA_PROFILE: knob.string({ doc: 'SIP profile calls go out by', default: 'ringback' }),
  EDGES: knob.addresses({
    doc: 'host:port of edges that take outbound calls, in turn; those that tell their status are used besides, and before one that tells none; none at all: straight to gateways',
    default: [],
  }),
  PROMPTS_DIR: knob.string({ doc: 'directory of prompts, the same path for agent and switch' }),
  JOURNAL_DIR: knob.string({ doc: 'directory of the journal; must outlive the process' }),
  EVENT_KEY: knob.secret({
    doc: 'at least 32 characters, the same for every agent and the dialer: seals what is stored of calls in the journal and in JetStream; empty: not sealed',
    default: '',
    min: 32,
  }),
  CDR_DIR: knob.string({ doc: 'directory the switch writes CDR files to; empty: none', default: '' }),
  GATEWAYS_DIR: knob.string({
    doc: 'directory the switch reads gateways of its profile from, for trunks that want digest authentication; empty: none',
    default: '',
  }),
  MAX_SESSIONS: knob.integer({ doc: 'legs up at once', default: 1_000, min: 1 }),
  SESSIONS_PER_SECOND: knob.integer({
    doc: 'the switch’s own limit of new legs a second; FreeSWITCH admits one less, and so does the agent',
    default: 100,
    min: 2,
  }),
  TRACES_PER_SECOND: knob.integer({
    doc: 'calls that come in and are traced, a second; nobody tells spans of more (log lines and metrics are of all)',
    default: 10,
    min: 0,
  }),
  SWITCH_SILENCE: knob.duration({
    doc: 'a switch that does not answer for so long on the event socket takes no command until it answers again',
    default: 5_000,
    min: 1_000,
  }),
  SWITCH_HANG: knob.duration({
    doc: 'the connection to a switch that does not answer for so long is made anew; what was under way on it is then unknown',
    default: 60_000,
    min: 2_000,
  }),
};
