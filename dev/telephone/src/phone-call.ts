import {
  type CodecName,
  dtmfTone,
  type FrameSource,
  PlaybackQueue,
  type ReceivedDtmf,
  type RtpSession,
  readWav,
  steadyTone,
  ToneSource,
} from '@ringback/dev-media';
import {
  answerOffer,
  formatOffer,
  type InboundCall,
  type LocalAudio,
  type Negotiated,
  type OutboundCall,
  readAnswer,
} from '@ringback/dev-sip';
import type { Audio } from './behaviour.ts';
import { type ExpectPromptOptions, Heard, type HeardPrompt } from './heard.ts';
import type { PromptLibrary } from './recogniser/index.ts';
import type { Timeline } from './timeline.ts';
import { Waiters } from './waiters.ts';

export interface KeyOptions {
  /** Default: RFC 4733 where it was negotiated, tones in the audio elsewhere. */
  method?: 'rfc4733' | 'info' | 'inband';
  durationMs?: number;
  gapMs?: number;
}

/** How a call ended; `status` of an unanswered one, `cause` from a Reason header (Q.850). */
export interface CallEnd {
  by: 'local' | 'remote' | 'failed';
  answered: boolean;
  status: number | undefined;
  cause: number | undefined;
  reason: string | undefined;
  /** Monotonic ms. */
  atMs: number;
}

export interface DigitHeard {
  digit: string;
  how: 'rfc4733' | 'info';
  atMs: number;
}

export interface CallSetup {
  session: RtpSession;
  library: PromptLibrary | undefined;
  frequencies: readonly number[];
  timeline: Timeline;
  codecs: readonly CodecName[];
  dtmf: boolean;
  /** For the timeline. */
  name: string;
}

/** The SDP side of one end of a call. */
export function localAudio(setup: Pick<CallSetup, 'session' | 'codecs' | 'dtmf'>, version: number): LocalAudio {
  const { session, codecs, dtmf } = setup;
  return {
    host: session.host,
    port: session.port,
    codecs,
    dtmfPayloadType: dtmf ? 101 : false,
    version,
    sessionId: String(session.port),
    name: 'telephone',
  };
}

/** A call as the person at the telephone has it: hears, speaks, keys. */
export class PhoneCall {
  readonly sip: InboundCall | OutboundCall;
  readonly direction: 'inbound' | 'outbound';
  readonly from: string;
  readonly to: string;
  readonly heard: Heard;
  /** Digits that the far end sent out of the audio. Tones in the audio: `heard.inbandDigits`. */
  readonly digits: DigitHeard[] = [];
  /** Monotonic ms; `invite`: sent or received. */
  readonly at: { invite: number; ringing?: number; earlyMedia?: number; answered?: number; ended?: number };
  end: CallEnd | undefined;
  readonly #setup: CallSetup;
  readonly #session: RtpSession;
  readonly #waiters = new Waiters();
  readonly #mouth = new PlaybackQueue();
  #background: FrameSource | undefined;
  #muted = false;
  #negotiated: Negotiated | undefined;
  #version = 1;
  readonly #over: (() => void)[] = [];
  readonly #answered: (() => void | Promise<void>)[] = [];

  constructor(sip: InboundCall | OutboundCall, numbers: { from: string; to: string }, setup: CallSetup) {
    this.sip = sip;
    this.direction = sip.direction;
    this.from = numbers.from;
    this.to = numbers.to;
    this.#setup = setup;
    this.#session = setup.session;
    this.at = { invite: performance.now() };
    this.heard = new Heard(setup.library, setup.frequencies, this.#waiters);
    this.heard.onPrompt = (prompt) =>
      setup.timeline.add(
        setup.name,
        `hears ${prompt.lang}/${prompt.id}${prompt.complete ? '' : ' (cut off)'}`,
        prompt.startAtMs,
      );
    this.#session.onFrame = (frame, info) => this.heard.push(frame, info);
    this.#session.onDtmf = (digit: ReceivedDtmf) => this.#digit(digit.digit, 'rfc4733');
    this.#session.source = { pull: () => (this.#muted ? undefined : (this.#mouth.pull() ?? this.#background?.pull())) };
    this.#note(this.direction === 'inbound' ? `is called by ${this.from}` : `calls ${this.to}`);
    this.#listen();
  }

  get name(): string {
    return this.#setup.name;
  }

  get state(): string {
    return this.sip.state;
  }

  get answered(): boolean {
    return this.at.answered !== undefined;
  }

  get session(): RtpSession {
    return this.#session;
  }

  // What a called telephone does.

  ring(): void {
    if (this.sip.direction !== 'inbound') return;
    this.at.ringing ??= performance.now();
    this.sip.ring();
    this.#note('rings');
  }

  /** Early media: 183 with SDP, and that audio. */
  progress(audio?: Audio): void {
    if (this.sip.direction !== 'inbound') return;
    const sdp = this.#answerSdp();
    if (sdp === undefined) return;
    this.at.earlyMedia ??= performance.now();
    this.sip.progress(sdp);
    this.#note('sends early media');
    if (audio !== undefined) this.say(audio);
  }

  answer(): void {
    if (this.sip.direction !== 'inbound' || this.answered) return;
    const sdp = this.sip.localSdp ?? this.#answerSdp();
    if (sdp === undefined) return;
    this.sip.answer(sdp);
    this.#isAnswered('answers');
  }

  reject(status: number, reason?: string): void {
    if (this.sip.direction !== 'inbound' || this.end) return;
    this.#ended({ by: 'local', answered: false, status, cause: undefined, reason });
    this.sip.reject(status, { reason });
  }

  /** Ends it in whatever state it is. */
  hangup(reason?: string): void {
    if (this.end) return;
    this.#note('hangs up');
    this.sip.hangup({ reason });
  }

  // Speaking and keying.

  /** Queues audio towards the far end; resolves when it has been played or was stopped. A looping tone plays until `stopSaying`. */
  say(audio: Audio): Promise<void> {
    const heard =
      typeof audio === 'string' ? readWav(audio) : audio instanceof Int16Array ? audio : new ToneSource(audio);
    return new Promise((resolve) => this.#mouth.play({ audio: heard, onEnd: () => resolve() }));
  }

  stopSaying(): void {
    this.#mouth.clear();
  }

  /** Sends a steady tone whenever nothing else is said, so that others can tell that they hear this end; `undefined` stops it. */
  marker(hz: number | undefined): void {
    this.#background = hz === undefined ? undefined : new ToneSource(steadyTone(hz));
    this.#note(hz === undefined ? 'stops its marker tone' : `sends ${hz} Hz`);
  }

  mute(muted = true): void {
    this.#muted = muted;
  }

  /** Keys digits one after the other; resolves when the last was sent. */
  async key(digits: string, options: KeyOptions = {}): Promise<void> {
    const { method, durationMs = 100, gapMs = 80 } = options;
    this.#note(`keys ${digits}${method ? ` (${method})` : ''}`);
    if (method === 'info') {
      for (const digit of digits) await this.sip.infoDtmf(digit, durationMs);
    } else if (method === 'inband') {
      for (const digit of digits) {
        void this.say(dtmfTone(digit, durationMs));
        await this.say(new Int16Array(gapMs * 8));
      }
    } else {
      if (method === 'rfc4733' && this.#negotiated?.dtmfPayloadType === undefined) {
        throw new Error('no telephone-event was negotiated');
      }
      await this.#session.sendDtmf(digits, { durationMs, gapMs });
    }
  }

  // Waiting.

  expectPrompt(
    ids: string | readonly string[],
    timeoutMs = 10_000,
    options: ExpectPromptOptions = {},
  ): Promise<HeardPrompt> {
    return this.heard.expectPrompt(ids, timeoutMs, options);
  }

  /** Resolves with the moment of the answer; fails when it ended before, or in time. */
  expectAnswered(timeoutMs = 10_000): Promise<number> {
    return this.#until(() => this.at.answered, timeoutMs, 'was not answered');
  }

  expectRinging(timeoutMs = 10_000): Promise<number> {
    return this.#until(() => this.at.ringing, timeoutMs, 'did not ring');
  }

  expectEarlyMedia(timeoutMs = 10_000): Promise<number> {
    return this.#until(() => this.at.earlyMedia, timeoutMs, 'got no early media');
  }

  expectEnd(timeoutMs = 10_000): Promise<CallEnd> {
    return this.#waiters.until(
      () => this.end,
      timeoutMs,
      () => `${this.name}: the call did not end within ${timeoutMs} ms\n${this.heard.describe()}`,
    );
  }

  /** Waits until the far end has sent these digits out of the audio. */
  expectDigits(digits: string, timeoutMs = 5000): Promise<string> {
    const all = (): string => this.digits.map(({ digit }) => digit).join('');
    return this.#waiters.until(
      () => (all().includes(digits) ? all() : undefined),
      timeoutMs,
      () => `${this.name}: heard the digits "${all()}", not "${digits}"`,
    );
  }

  onOver(run: () => void): void {
    if (this.end) run();
    else this.#over.push(run);
  }

  whenAnswered(run: () => void | Promise<void>): void {
    this.#answered.push(run);
    if (this.sip.state === 'established') this.#runAnswered();
  }

  #until(look: () => number | undefined, timeoutMs: number, what: string): Promise<number> {
    return this.#waiters.until(
      () => {
        const at = look();
        if (at === undefined && this.end) {
          throw new Error(
            `${this.name} ${what}: the call ended (${this.end.by}, status ${this.end.status}, ${this.end.reason ?? 'no reason'})`,
          );
        }
        return at;
      },
      timeoutMs,
      () => `${this.name} ${what} within ${timeoutMs} ms`,
    );
  }

  #listen(): void {
    const { sip } = this;
    sip.on('info', ({ dtmf }) => {
      if (dtmf) this.#digit(dtmf.digit, 'info');
    });
    sip.on('reoffer', (offer) => {
      if (offer.sdp === undefined) return;
      this.#version += 1;
      const answered = answerOffer(offer.sdp, localAudio(this.#setup, this.#version));
      if (!answered) return offer.reject(488);
      this.#apply(answered.negotiated);
      offer.accept(answered.sdp);
    });
    sip.on('cancelled', ({ by, reason }) =>
      this.#ended({
        by: by === 'local' ? 'local' : 'remote',
        answered: false,
        status: 487,
        cause: reason?.cause,
        reason: reason?.value,
      }),
    );
    sip.on('ended', ({ by, reason }) =>
      this.#ended({
        by: by === 'local' ? 'local' : by === 'remote' ? 'remote' : 'failed',
        answered: true,
        status: undefined,
        cause: reason?.cause,
        reason: reason?.value ?? by,
      }),
    );
    sip.on('terminated', () => {
      this.#session.close();
      if (!this.end)
        this.#ended({ by: 'local', answered: this.answered, status: undefined, cause: undefined, reason: undefined });
    });
    if (sip.direction === 'inbound') {
      sip.on('acknowledged', () => this.#runAnswered());
      return;
    }
    sip.on('provisional', ({ status, sdp }) => {
      if (status === 180) this.at.ringing ??= performance.now();
      if (sdp !== undefined) {
        this.at.earlyMedia ??= performance.now();
        this.#applyAnswer(sdp);
      }
      this.#note(`${status}${sdp === undefined ? '' : ' with early media'}`);
      this.#waiters.notify();
    });
    sip.on('answered', ({ sdp }) => {
      if (sdp !== undefined) this.#applyAnswer(sdp);
      this.#isAnswered('is answered');
      this.#runAnswered();
    });
    sip.on('failed', ({ by, status, reason }) =>
      this.#ended({
        by: by === 'response' ? 'remote' : 'failed',
        answered: false,
        status,
        cause: reason?.cause,
        reason: reason?.value,
      }),
    );
  }

  #answerSdp(): string | undefined {
    if (this.sip.remoteSdp === undefined) return formatOffer(localAudio(this.#setup, this.#version));
    const answered = answerOffer(this.sip.remoteSdp, localAudio(this.#setup, this.#version));
    if (!answered) {
      this.reject(488);
      return undefined;
    }
    this.#apply(answered.negotiated);
    return answered.sdp;
  }

  #applyAnswer(sdp: string): void {
    const negotiated = readAnswer(sdp);
    if (negotiated) this.#apply(negotiated);
  }

  #apply(negotiated: Negotiated): void {
    this.#negotiated = negotiated;
    this.#session.configure({
      remote: negotiated.remote,
      codec: negotiated.codec,
      dtmfPayloadType: negotiated.dtmfPayloadType,
      sending: negotiated.direction === 'sendrecv' || negotiated.direction === 'sendonly',
    });
  }

  #isAnswered(how: string): void {
    this.at.answered = performance.now();
    this.#note(how);
    this.#waiters.notify();
  }

  #runAnswered(): void {
    for (const run of this.#answered.splice(0)) {
      // A script that fails has to fail its test: nothing else sees this promise.
      Promise.resolve(run()).catch((error: unknown) =>
        queueMicrotask(() => {
          throw error;
        }),
      );
    }
  }

  #digit(digit: string, how: DigitHeard['how']): void {
    this.digits.push({ digit, how, atMs: performance.now() });
    this.#note(`gets the digit ${digit} (${how})`);
    this.#waiters.notify();
  }

  #ended(end: Omit<CallEnd, 'atMs'>): void {
    if (this.end) return;
    this.at.ended = performance.now();
    this.end = { ...end, atMs: this.at.ended };
    const how = [end.status, end.cause === undefined ? undefined : `cause ${end.cause}`]
      .filter((part) => part !== undefined)
      .join(', ');
    this.#note(`ends (${end.by}${how === '' ? '' : `: ${how}`})`);
    this.#session.close();
    this.#mouth.clear();
    this.heard.end();
    for (const run of this.#over.splice(0)) run();
    this.#waiters.notify();
  }

  #note(what: string): void {
    this.#setup.timeline.add(this.#setup.name, what);
  }
}
