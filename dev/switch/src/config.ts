import { readFileSync } from 'node:fs';

/** Everything a dev switch is told. Times in seconds unless the name says otherwise. */
export interface SwitchConfig {
  /** Host and switch name in events. */
  name: string;
  sip: {
    host: string;
    port: number;
    /** sofia profile name in dial strings and channel names. */
    profile: string;
    /** Dialplan context of inbound calls. */
    context: string;
    userAgent: string;
    /** RFC 4028 Session-Expires and Min-SE (profile `session-timeout`, `minimum-session-expires`); 0: off. */
    sessionExpires: number;
    minSe: number;
  };
  esl: { host: string; port: number; password: string; maxQueue: number };
  rtp: { host: string; from: number; to: number };
  /** Addresses SIP may come from; any when empty. */
  edges: string[];
  maxSessions: number;
  sessionsPerSecond: number;
  /** What relative file names are looked up in. */
  soundsDir: string | undefined;
  cdrDir: string | undefined;
  /** Gateways, one XML file each, as FreeSWITCH reads them. */
  gatewaysDir: string | undefined;
  codecs: ('PCMU' | 'PCMA')[];
  /** Global variables (vars.xml). */
  variables: Record<string, string>;
  heartbeatSeconds: number;
  /** Take SIP INFO digits although telephone-event was negotiated (profile `liberal-dtmf`). */
  liberalDtmf: boolean;
  /** `road`: callback and direct as the generated dialplan; `park`: every call is parked. */
  dialplan: 'road' | 'park';
}

/** A knob that is wrong; `knob` is its path. */
export class ConfigError extends Error {
  readonly knob: string;
  constructor(knob: string, message: string) {
    super(`${knob}: ${message}`);
    this.name = 'ConfigError';
    this.knob = knob;
  }
}

type Raw = Record<string, unknown>;

class Reader {
  readonly #raw: Raw;
  readonly #path: string;
  readonly #known = new Set<string>();

  constructor(raw: unknown, path: string) {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      throw new ConfigError(path === '' ? 'configuration' : path, 'must be an object');
    this.#raw = raw as Raw;
    this.#path = path;
  }

  #name(knob: string): string {
    return this.#path === '' ? knob : `${this.#path}.${knob}`;
  }

  take(knob: string): unknown {
    this.#known.add(knob);
    return this.#raw[knob];
  }

  fail(knob: string, message: string): never {
    throw new ConfigError(this.#name(knob), message);
  }

  string(knob: string, fallback?: string): string {
    const value = this.take(knob) ?? fallback;
    if (typeof value !== 'string' || value === '') this.fail(knob, 'must be a non-empty string');
    return value;
  }

  optionalString(knob: string): string | undefined {
    const value = this.take(knob);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string' || value === '') this.fail(knob, 'must be a non-empty string');
    return value;
  }

  integer(knob: string, min: number, max: number, fallback?: number): number {
    const value = this.take(knob) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      this.fail(knob, `must be a whole number from ${min} to ${max}`);
    return value;
  }

  boolean(knob: string, fallback: boolean): boolean {
    const value = this.take(knob) ?? fallback;
    if (typeof value !== 'boolean') this.fail(knob, 'must be true or false');
    return value;
  }

  strings(knob: string, fallback?: string[]): string[] {
    const value = this.take(knob) ?? fallback;
    if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string'))
      this.fail(knob, 'must be a list of strings');
    return value as string[];
  }

  oneOf<T extends string>(knob: string, allowed: readonly T[], fallback: T): T {
    const value = this.take(knob) ?? fallback;
    if (!allowed.includes(value as T)) this.fail(knob, `must be one of ${allowed.join(', ')}`);
    return value as T;
  }

  section(knob: string, optional = false): Reader {
    const value = this.take(knob);
    return new Reader(value === undefined && optional ? {} : value, this.#name(knob));
  }

  done(): void {
    for (const knob of Object.keys(this.#raw))
      if (!this.#known.has(knob)) this.fail(knob, 'is not a knob of the dev switch');
  }
}

/** Checks a parsed configuration; throws ConfigError naming the knob. */
export function parseConfig(raw: unknown): SwitchConfig {
  const root = new Reader(raw, '');
  const sip = root.section('sip');
  const esl = root.section('esl');
  const rtp = root.section('rtp');
  const sipHost = sip.string('host');
  const variables = root.section('variables', true);
  const config: SwitchConfig = {
    name: root.string('name'),
    sip: {
      host: sipHost,
      port: sip.integer('port', 0, 65535),
      profile: sip.string('profile', 'internal'),
      context: sip.string('context', 'public'),
      userAgent: sip.string('userAgent', 'FreeSWITCH-mod_sofia/1.11.1-dev'),
      sessionExpires: sip.integer('sessionExpires', 0, 86400, 600),
      minSe: sip.integer('minSe', 90, 86400, 90),
    },
    esl: {
      host: esl.string('host'),
      port: esl.integer('port', 0, 65535),
      password: esl.string('password'),
      maxQueue: esl.integer('maxQueue', 10, 1_000_000, 100_000),
    },
    rtp: {
      host: rtp.string('host', sipHost),
      from: rtp.integer('from', 1024, 65534),
      to: rtp.integer('to', 1026, 65535),
    },
    edges: root.strings('edges'),
    maxSessions: root.integer('maxSessions', 1, 100_000, 1000),
    sessionsPerSecond: root.integer('sessionsPerSecond', 1, 10_000, 100),
    soundsDir: root.optionalString('soundsDir'),
    cdrDir: root.optionalString('cdrDir'),
    gatewaysDir: root.optionalString('gatewaysDir'),
    codecs: root.strings('codecs', ['PCMU', 'PCMA']) as SwitchConfig['codecs'],
    variables: {},
    heartbeatSeconds: root.integer('heartbeatSeconds', 1, 3600, 20),
    liberalDtmf: root.boolean('liberalDtmf', true),
    dialplan: root.oneOf('dialplan', ['road', 'park'] as const, 'road'),
  };
  const rawVariables = root.take('variables');
  for (const name of Object.keys((rawVariables ?? { send_silence_when_idle: '-1' }) as Raw)) {
    config.variables[name] = rawVariables === undefined ? '-1' : variables.string(name);
  }
  if (config.rtp.to <= config.rtp.from) throw new ConfigError('rtp.to', 'must be above rtp.from');
  if (config.codecs.length === 0 || config.codecs.some((codec) => codec !== 'PCMU' && codec !== 'PCMA')) {
    throw new ConfigError('codecs', 'must name PCMU, PCMA or both');
  }
  for (const section of [root, sip, esl, rtp, variables]) section.done();
  return config;
}

/** Reads and checks the JSON file at `path`. */
export function readConfig(path: string): SwitchConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError('configuration', `cannot read ${path}: ${(error as Error).message}`);
  }
  try {
    return parseConfig(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) throw new ConfigError('configuration', `${path} is not JSON: ${error.message}`);
    throw error;
  }
}
