/** What one switch is told, real or dev. Times in seconds. */
export interface SwitchModel {
  /** Switch id: `switchname` in events; A–Z a–z 0–9 _ -, ≤ 63. */
  readonly name: string;
  /** Where it takes SIP (UDP and TCP). */
  readonly sip: {
    readonly host: string;
    readonly port: number;
    /** Address others reach it at, where that is not `host`. */
    readonly advertise?: string;
  };
  /** Event socket. Loopback only: with the host's network 127.0.0.1 is the node's, so port and password are per switch. */
  readonly esl: { readonly host: string; readonly port: number; readonly password: string };
  /** RTP ports, even and odd; two a leg. */
  readonly rtp: { readonly host: string; readonly from: number; readonly to: number; readonly advertise?: string };
  /** IPv4 addresses or CIDRs SIP may come from: the edges and nobody else. */
  readonly edges: readonly string[];
  /** Legs up at once. */
  readonly maxSessions: number;
  /** New legs a second. FreeSWITCH admits one less than it is told (recording s25). */
  readonly sessionsPerSecond: number;
  /** What relative names of prompts are looked up in; absolute path. */
  readonly soundsDir: string;
  /** One JSON file a leg at its end; absolute path. */
  readonly cdrDir: string;
  /** Gateways of trunks that want digest authentication, one file each (`gatewayFile`); absolute path. None: no such trunks. */
  readonly gatewaysDir?: string;
  /** In order of preference. G722 and OPUS need mod_spandsp and mod_opus, and cost capacity. */
  readonly codecs: readonly Codec[];
  /** RFC 4028: Session-Expires offered, and the least accepted (Min-SE). */
  readonly sessionTimers: { readonly sessionExpires: number; readonly minSe: number };
  /** A leg that sends no RTP for so long is ended. */
  readonly mediaTimeout: number;
  readonly logLevel: LogLevel;
}

export type Codec = 'PCMU' | 'PCMA' | 'G722' | 'OPUS';
/** `notice` and below name channels, and with them numbers: for a laptop only, hence not offered. */
export type LogLevel = 'crit' | 'err';

/** Name of the sofia profile and of the dialplan context: in dial strings `sofia/ringback/…`. */
export const PROFILE = 'ringback';
export const CONTEXT = 'ringback';
/** Header, set by the edge, that says what an inbound call is for: callback or direct. */
export const MODE_HEADER = 'X-Ringback-Mode';

export const DEFAULTS = {
  codecs: ['PCMA', 'PCMU'],
  sessionTimers: { sessionExpires: 600, minSe: 90 },
  mediaTimeout: 120,
  maxSessions: 1000,
  sessionsPerSecond: 100,
  logLevel: 'err',
} as const satisfies Partial<SwitchModel>;

/** Global variables, and so every channel's unless it says otherwise. */
export function globalVariables(model: SwitchModel): Record<string, string> {
  return {
    // A parked leg sends nothing otherwise (recording s01), and carriers end silent calls.
    send_silence_when_idle: '-1',
    // FreeSWITCH counts it in milliseconds.
    media_timeout: String(model.mediaTimeout * 1000),
    sound_prefix: model.soundsDir,
  };
}
