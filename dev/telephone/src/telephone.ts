import { anyPort, type CodecName, openRtpSession, type PortSource } from '@ringback/dev-media';
import { type ExtraHeaders, formatOffer, type InboundCall, UserAgent } from '@ringback/dev-sip';
import { type Behaviour, behave } from './behaviour.ts';
import { type CallSetup, localAudio, PhoneCall } from './phone-call.ts';
import { PromptLibrary } from './recogniser/index.ts';
import { Timeline } from './timeline.ts';
import { Waiters } from './waiters.ts';

/** Tones for "who hears whom": apart from each other's harmonics, from DTMF and from national tones. They do not hide prompts. */
export const MARKERS = [1100, 1900] as const;
const RINGBACK_HZ = 425;

export interface TelephoneOptions {
  /** The carrier's own address, `host:port`; port 0 takes a free one. */
  bind: string;
  /** Where calls to the platform go, `host:port`. */
  edge: string;
  /** Prompts to recognise: a library (prepared with `notchHz: markers`), or a directory of `<lang>/<id>.wav`. They must not be the files that the
   * platform plays but made from the catalogue anew, or exchanged files are not noticed. */
  prompts?: PromptLibrary | string;
  /** Frequencies of marker tones listened for. Default `MARKERS`. */
  markers?: readonly number[];
  /** Default PCMA, PCMU. */
  codecs?: readonly CodecName[];
  /** Offer telephone-event. Default true. */
  dtmf?: boolean;
  ports?: PortSource;
  /** What numbers without a rule of their own do. Default: ring, and leave the rest to whoever expects the call. */
  defaultBehaviour?: Behaviour;
}

export interface PlaceOptions {
  /** A whole From value instead of `<sip:from@carrier>`. */
  fromHeader?: string;
  /** P-Asserted-Identity: a number, or a whole value with `<…>`. */
  assertedIdentity?: string;
  /** Diversion: a number, or a whole value with `<…>`. */
  diversion?: string;
  /** Privacy header, e.g. `id`. */
  privacy?: string;
  headers?: ExtraHeaders;
  callId?: string;
  /** Next hop, `host:port`, with a Route header. Default: what the Request-URI says. */
  route?: string;
  codecs?: readonly CodecName[];
  dtmf?: boolean;
  /** Name in the timeline. Default: the caller's number. */
  name?: string;
}

/** The carrier and every telephone behind it: one SIP address, any number. */
export class Telephone {
  readonly agent: UserAgent;
  readonly timeline = new Timeline();
  readonly library: PromptLibrary | undefined;
  /** Every call there was, in order. */
  readonly calls: PhoneCall[] = [];
  onCall: ((call: PhoneCall) => void) | undefined;
  readonly #options: TelephoneOptions;
  readonly #host: string;
  readonly #rules: { matches: (number: string) => boolean; behaviour: Behaviour }[] = [];
  /** Calls that came in and were not yet expected. */
  #unclaimed: PhoneCall[] = [];
  readonly #waiters = new Waiters();

  private constructor(agent: UserAgent, library: PromptLibrary | undefined, options: TelephoneOptions) {
    this.agent = agent;
    this.library = library;
    this.#options = options;
    this.#host = agent.address.host;
    agent.on('invite', (call) => void this.#arrived(call));
  }

  /** Throws what `bind` throws, and for prompts that cannot be read. */
  static async create(options: TelephoneOptions): Promise<Telephone> {
    const notchHz = options.markers ?? MARKERS;
    const library =
      typeof options.prompts === 'string' ? PromptLibrary.load(options.prompts, { notchHz }) : options.prompts;
    const { host, port } = hostPort(options.bind);
    const agent = await UserAgent.create({ host, port, contactUser: 'telephone', userAgent: 'Ringback telephone' });
    return new Telephone(agent, library, options);
  }

  /** `host:port` it is bound to. */
  get address(): string {
    return `${this.agent.address.host}:${this.agent.address.port}`;
  }

  /** Places a call to the platform. `from`: the caller's number in any format, or `anonymous`; `to`: a number, or a whole sip: URI. */
  async call(from: string, to: string, options: PlaceOptions = {}): Promise<PhoneCall> {
    const { edge } = this.#options;
    const setup = await this.#setup(options.name ?? from, options);
    const uri = /^sips?:/i.test(to) ? to : `sip:${to}@${edge}`;
    const asserted = (value: string): string => (value.includes('<') ? value : `<sip:${value}@${this.#host}>`);
    const headers: (readonly [string, string])[] = [];
    if (options.assertedIdentity !== undefined)
      headers.push(['P-Asserted-Identity', asserted(options.assertedIdentity)]);
    if (options.diversion !== undefined) headers.push(['Diversion', asserted(options.diversion)]);
    if (options.privacy !== undefined || from === 'anonymous') headers.push(['Privacy', options.privacy ?? 'id']);
    const standard =
      from === 'anonymous' ? '"Anonymous" <sip:anonymous@anonymous.invalid>' : `<sip:${from}@${this.address}>`;
    const sip = this.agent.invite({
      uri,
      from: options.fromHeader ?? standard,
      callId: options.callId,
      route: options.route,
      headers: [...headers, ...(options.headers ?? [])],
      sdp: formatOffer(localAudio(setup, 1)),
    });
    const call = new PhoneCall(sip, { from, to }, setup);
    this.calls.push(call);
    return call;
  }

  /** Gives a number (or all that match) a behaviour; the last rule counts. Returns what takes it back. */
  onCallTo(number: string | RegExp, behaviour: Behaviour): () => void {
    const rule = {
      matches: (called: string) =>
        typeof number === 'string' ? number === '*' || sameNumber(number, called) : number.test(called),
      behaviour,
    };
    this.#rules.unshift(rule);
    return () => {
      const at = this.#rules.indexOf(rule);
      if (at >= 0) this.#rules.splice(at, 1);
    };
  }

  /** The next call to that number that was not yet handed out, also one that came before. */
  expectCall(number: string | RegExp, timeoutMs = 10_000): Promise<PhoneCall> {
    const matches = (call: PhoneCall): boolean =>
      typeof number === 'string' ? sameNumber(number, call.to) : number.test(call.to);
    return this.#waiters.until(
      () => {
        const call = this.#unclaimed.find(matches);
        this.#unclaimed = this.#unclaimed.filter((other) => other !== call);
        return call;
      },
      timeoutMs,
      () => `${String(number)} was not called within ${timeoutMs} ms\n${this.timeline.text()}`,
    );
  }

  /** Calls to that number so far. */
  callsTo(number: string): PhoneCall[] {
    return this.calls.filter((call) => call.direction === 'inbound' && sameNumber(number, call.to));
  }

  /** Waits so long and fails when that number is called meanwhile. */
  async expectNoCall(number: string, ms: number): Promise<void> {
    const before = this.callsTo(number).length;
    await new Promise((resolve) => setTimeout(resolve, ms));
    const after = this.callsTo(number).length;
    if (after !== before)
      throw new Error(`${number} was called ${after - before} times within ${ms} ms\n${this.timeline.text()}`);
  }

  async close(): Promise<void> {
    await this.agent.close();
  }

  async #arrived(sip: InboundCall): Promise<void> {
    const to = sip.calledUser;
    const setup = await this.#setup(to, {});
    const call = new PhoneCall(sip, { from: sip.callerUser, to }, setup);
    // It may have been cancelled while the RTP port was opened.
    if (sip.state === 'terminated') {
      setup.session.close();
      return;
    }
    this.calls.push(call);
    this.#unclaimed.push(call);
    const rule = this.#rules.find(({ matches }) => matches(to));
    behave(call, rule?.behaviour ?? this.#options.defaultBehaviour ?? { kind: 'manual' });
    this.onCall?.(call);
    this.#waiters.notify();
  }

  async #setup(name: string, options: PlaceOptions): Promise<CallSetup> {
    const { codecs = ['PCMA', 'PCMU'], dtmf = true, ports = anyPort, markers = MARKERS } = this.#options;
    return {
      session: await openRtpSession({ host: this.#host, ports }),
      library: this.library,
      frequencies: [RINGBACK_HZ, ...markers],
      timeline: this.timeline,
      codecs: options.codecs ?? codecs,
      dtmf: options.dtmf ?? dtmf,
      name,
    };
  }
}

/** `host:port`; throws TypeError. */
export function hostPort(text: string): { host: string; port: number } {
  const match = /^\[?([^[\]]+)\]?:(\d{1,5})$/.exec(text);
  if (!match?.[1] || Number(match[2]) > 65_535) throw new TypeError(`${JSON.stringify(text)} is not host:port`);
  return { host: match[1], port: Number(match[2]) };
}

/** The plus of E.164 is lost on some routes. */
function sameNumber(a: string, b: string): boolean {
  return a.replace(/^(\+|00)/, '') === b.replace(/^(\+|00)/, '');
}
