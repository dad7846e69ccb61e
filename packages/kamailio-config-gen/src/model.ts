/**
 * What the operator says about one edge. `EdgeModel` is fixed for the life of the Kamailio process (it becomes
 * kamailio.cfg); `EdgeState` changes while it runs (it becomes tables, see tables.ts).
 */
export interface EdgeModel {
  /** Name of this edge in logs. */
  readonly id: string;
  /** Address Kamailio binds, UDP always. IPv4 literal; port 1–65535. */
  readonly listen: HostPort;
  /** Address carriers and switches reach it at: Via, Record-Route. Must stay the same over restarts. */
  readonly advertise: HostPort;
  /** Also listen on TCP, same address and port. */
  readonly tcp: boolean;
  /** UDP receivers (and TCP workers), 1–16. */
  readonly workers: number;
  /** Shared memory of all processes, MiB, 16–4096. */
  readonly sharedMemoryMiB: number;
  /** Private memory of each process, MiB, 2–256. */
  readonly privateMemoryMiB: number;
  /** Absolute paths, see EdgePaths. */
  readonly paths: EdgePaths;
  /**
   * Signs Record-Route: an in-dialog request is routed only when its Route carries the signature of its Call-ID.
   * The same on every edge and over restarts; 32–128 characters of A–Z a–z 0–9.
   */
  readonly dialogSecret: string;
  /** What an address that is neither trunk nor switch gets: silence, or 403. Both are counted. */
  readonly unknownSources: 'drop' | 'forbid';
  /** Largest SIP message accepted, bytes, 1024–65535: more is answered 513. */
  readonly maxMessageBytes: number;
  /** Flood limit of one unknown address; beyond it the address is ignored for banSeconds. */
  readonly unknownSourceLimit: { readonly requests: number; readonly perSeconds: number; readonly banSeconds: number };
  /** All requests (retransmissions too) of one trunk a second; beyond it they are dropped and counted. */
  readonly trunkRequestsPerSecond: number;
  readonly timers: EdgeTimers;
  /** OPTIONS to every switch at this interval, seconds; a good answer revives an inactive one. 0: none. */
  readonly probeIntervalSeconds: number;
  readonly registration: RegistrationTimes;
  readonly logLevel: LogLevel;
}

/** How this edge registers at carriers (RFC 3261 section 10) while it is the one that does. */
export interface RegistrationTimes {
  /**
   * Between two looks at what is due, seconds, 1–60. A registration is renewed from the look on that finds it closer than
   * this, and 3 s, to its end.
   */
  readonly checkSeconds: number;
  /** After a refusal, or no answer, seconds, 1–3600. */
  readonly retrySeconds: number;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface EdgePaths {
  /** Directory of kamailio.cfg, the tables and the switch list. */
  readonly configDir: string;
  /** Directory of the control socket; ≤ 80 bytes long (sockaddr_un). */
  readonly runDir: string;
}

export interface EdgeTimers {
  /** No reply at all from a switch: the next one is tried after this, ms, 500–10000. */
  readonly switchReplyMs: number;
  /** No reply at all from a trunk gateway: 503 to the switch after this, ms, 500–30000. */
  readonly trunkReplyMs: number;
  /** No final reply after a provisional one, ms, 30000–600000. */
  readonly finalReplyMs: number;
}

export type LogLevel = 'error' | 'warn' | 'notice' | 'info';

export interface EdgeState {
  /** New calls are taken. False: every new INVITE and OPTIONS gets 503 (starting, or draining). */
  readonly admit: boolean;
  readonly trunks: readonly Trunk[];
  readonly accessNumbers: readonly AccessNumber[];
  readonly switches: readonly SwitchEntry[];
}

export interface Trunk {
  /** A–Z a–z 0–9 _ -, ≤ 63. */
  readonly id: string;
  /** IPv4 addresses or CIDRs its requests come from, optionally `address:port`. Empty: outbound only. */
  readonly sources: readonly string[];
  /** host:port calls go out to. Empty: inbound only. */
  readonly gateways: readonly string[];
  /** Its identity headers are believed. False: P-Asserted-Identity, Remote-Party-ID and verstat are removed. */
  readonly trusted: boolean;
  /** ISO 3166-1 alpha-2: its national caller IDs are read in it. */
  readonly country: string;
  /** Where the caller's number stands. From an untrusted trunk only From is read. */
  readonly identity: IdentitySource;
  /** New calls per second from it and to it; 0: no limit. */
  readonly callsPerSecond: { readonly inbound: number; readonly outbound: number };
  /** No new calls from it or to it; calls that are up go on. */
  readonly disabled?: boolean;
  /** Diversion and History-Info: marked for the switch, or removed (carriers that put them on every call). */
  readonly diversion: 'mark' | 'ignore';
}

export type IdentitySource = 'pai' | 'rpid' | 'from';

export interface AccessNumber {
  /** E.164 with +. */
  readonly number: string;
  readonly mode: 'callback' | 'direct';
  /** How long a trigger rings, ms; the switch counts whole seconds, so it is rounded up. */
  readonly ringTimeMs: number;
  /** SIP status the trigger is rejected with. */
  readonly rejectWith: RejectStatus;
}

export type RejectStatus = 486 | 480 | 603;

export interface SwitchEntry {
  readonly id: string;
  /** host:port where it takes SIP over UDP; an IPv4 literal (names are brittle in the dispatcher). */
  readonly address: string;
  /** active: takes calls. inactive: taken for silent, a good probe revives it. disabled: drained, only we revive it. */
  readonly state: 'active' | 'inactive' | 'disabled';
}

export const DEFAULTS = {
  tcp: false,
  workers: 2,
  sharedMemoryMiB: 64,
  privateMemoryMiB: 4,
  unknownSources: 'drop',
  maxMessageBytes: 8192,
  unknownSourceLimit: { requests: 20, perSeconds: 2, banSeconds: 60 },
  trunkRequestsPerSecond: 500,
  timers: { switchReplyMs: 2000, trunkReplyMs: 4000, finalReplyMs: 120_000 },
  probeIntervalSeconds: 2,
  registration: { checkSeconds: 15, retrySeconds: 30 },
  logLevel: 'notice',
} as const satisfies Partial<EdgeModel>;

/**
 * FreeSWITCH cause that makes the switch answer with this SIP status, by recording s05c: 480 is NO_ANSWER
 * (NO_USER_RESPONSE gives 408).
 */
export const REJECT_CAUSE: Readonly<Record<RejectStatus, string>> = {
  486: 'USER_BUSY',
  480: 'NO_ANSWER',
  603: 'CALL_REJECTED',
};
