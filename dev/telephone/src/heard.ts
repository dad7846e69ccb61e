import { DtmfDetector, FRAME_SAMPLES, type FrameInfo, formatWav, SAMPLE_RATE } from '@ringback/dev-media';
import { type PromptLibrary, PromptRecogniser, type Recognised } from './recogniser/index.ts';
import { ToneListener } from './tone-listener.ts';
import { ExpectationFailed, Waiters } from './waiters.ts';

/** A hole in the stream longer than this is filled with silence, so that positions stay times. */
const HOLE_MS = 60;
const LONGEST_HOLE_S = 600;

/** A prompt as heard; `…AtMs` on the monotonic clock (performance.now). */
export interface HeardPrompt extends Recognised {
  startAtMs: number;
  endAtMs: number;
}

export interface ExpectPromptOptions {
  /** `end` (default): it was heard to its end or cut off. `start`: as soon as it can be told, about 0.5 s after it began. */
  until?: 'start' | 'end';
  /** Fail as soon as any other prompt comes first. Default false: others are passed over. */
  next?: boolean;
  /** Must it be heard whole? Default: not asked. */
  whole?: boolean;
}

/** Everything that was heard in one call: recording, prompts, tones, digits; and waiting for them. */
export class Heard {
  readonly prompts: HeardPrompt[] = [];
  /** Prompts known to have begun, also those that have not ended. */
  readonly begun: HeardPrompt[] = [];
  readonly tones: ToneListener;
  /** Digits heard as tones in the audio. */
  inbandDigits = '';
  onPrompt: ((prompt: HeardPrompt) => void) | undefined;
  readonly #waiters: Waiters;
  readonly #recogniser: PromptRecogniser | undefined;
  readonly #dtmf = new DtmfDetector((digit) => {
    this.inbandDigits += digit;
    this.#waiters.notify();
  });
  #samples = new Int16Array(SAMPLE_RATE * 10);
  #length = 0;
  #startedAtMs: number | undefined;
  #nextTimestamp: number | undefined;
  /** Prompts that began before this position have been asked for already. */
  #cursorMs = -Infinity;

  constructor(library: PromptLibrary | undefined, frequencies: readonly number[], waiters: Waiters) {
    this.#waiters = waiters;
    this.tones = new ToneListener(frequencies);
    if (!library) return;
    this.#recogniser = new PromptRecogniser(library);
    this.#recogniser.onBegin = (prompt) => {
      this.begun.push(this.#timed(prompt));
      this.#waiters.notify();
    };
    this.#recogniser.onPrompt = (prompt) => {
      const timed = this.#timed(prompt);
      this.prompts.push(timed);
      this.onPrompt?.(timed);
      this.#waiters.notify();
    };
  }

  /** Length of what was heard, in ms. */
  get durationMs(): number {
    return (this.#length * 1000) / SAMPLE_RATE;
  }

  /** All samples from `fromMs` to `toMs`, 8 kHz. */
  samples(fromMs = 0, toMs = this.durationMs): Int16Array {
    return this.#samples.slice((fromMs * SAMPLE_RATE) / 1000, Math.min(this.#length, (toMs * SAMPLE_RATE) / 1000));
  }

  wav(): Buffer {
    return formatWav(this.samples());
  }

  /** The position in the stream of a moment of the monotonic clock. */
  positionOf(atMs: number): number {
    return this.#startedAtMs === undefined ? 0 : atMs - this.#startedAtMs;
  }

  push(frame: Int16Array, info: FrameInfo): void {
    this.#startedAtMs ??= info.atMs;
    this.#fillHole(info);
    this.#take(frame);
    this.#nextTimestamp = (info.timestamp + FRAME_SAMPLES) >>> 0;
    this.#waiters.notify();
  }

  /** The call is over: what is still open is named now. */
  end(): void {
    this.#recogniser?.end();
    this.#waiters.notify();
  }

  /** Waits for one of these prompts (an id, `lang/id`, or several) that was not asked for yet; it then counts as asked for, with all before it. */
  expectPrompt(
    wanted: string | readonly string[],
    timeoutMs: number,
    options: ExpectPromptOptions = {},
  ): Promise<HeardPrompt> {
    const ids = typeof wanted === 'string' ? [wanted] : wanted;
    const matches = (prompt: HeardPrompt): boolean =>
      [prompt.id, ...prompt.alternatives].some((id) => ids.includes(id) || ids.includes(`${prompt.lang}/${id}`)) &&
      !(options.whole && !prompt.complete);
    const look = (): HeardPrompt | undefined => {
      const open = (options.until === 'start' ? this.begun : this.prompts)
        .filter(({ startMs }) => startMs > this.#cursorMs)
        .toSorted((a, b) => a.startMs - b.startMs);
      const found = open.find(matches);
      if (options.next && open[0] && open[0] !== found) {
        throw new ExpectationFailed(
          `expected the prompt ${ids.join(' or ')}, heard ${open[0].id} first\n${this.describe()}`,
        );
      }
      if (found) this.#cursorMs = found.startMs;
      return found;
    };
    return this.#waiters.until(
      look,
      timeoutMs,
      () => `the prompt ${ids.join(' or ')} was not heard within ${timeoutMs} ms\n${this.describe()}`,
    );
  }

  /** Waits for `minMs` of that frequency, counted from now. */
  expectTone(hz: number, timeoutMs: number, minMs = 300): Promise<number> {
    const fromMs = this.durationMs;
    return this.#waiters.until(
      () => {
        const ms = this.tones.toneMs(hz, fromMs);
        return ms >= minMs ? ms : undefined;
      },
      timeoutMs,
      () =>
        `${hz} Hz was heard for ${this.tones.toneMs(hz, fromMs)} ms of ${minMs} within ${timeoutMs} ms\n${this.describe()}`,
    );
  }

  /** Waits for a whole burst of ringback that begins after now; resolves with its start in the stream. */
  expectRingback(timeoutMs: number): Promise<number> {
    const fromMs = this.durationMs;
    return this.#waiters.until(
      () => this.tones.ringbacks(fromMs)[0],
      timeoutMs,
      () => `no ringback was heard within ${timeoutMs} ms\n${this.describe()}`,
    );
  }

  /** Waits for an unbroken silence of `ms` from now. A stream that stands still counts as silent. */
  expectSilence(ms: number, timeoutMs: number): Promise<void> {
    const fromMs = this.durationMs;
    const startedAt = performance.now();
    const look = (): true | undefined => {
      const last = this.tones.stretches.findLast(({ kind }) => kind !== 'silence');
      const since = Math.max(fromMs, last?.endMs ?? 0);
      const streamSilence = this.durationMs - since;
      const standing = performance.now() - Math.max(startedAt, (this.#startedAtMs ?? 0) + this.durationMs);
      return streamSilence + Math.max(0, standing > 200 ? standing : 0) >= ms ? true : undefined;
    };
    const poll = setInterval(() => this.#waiters.notify(), 100);
    return this.#waiters
      .until(look, timeoutMs, () => `no silence of ${ms} ms within ${timeoutMs} ms\n${this.describe()}`)
      .then(() => undefined)
      .finally(() => clearInterval(poll));
  }

  /** What was heard so far, in words. */
  describe(): string {
    if (this.#length === 0) return 'nothing was heard';
    const prompts = this.prompts.map(
      ({ lang, id, startMs, endMs, score, complete }) =>
        `  ${(startMs / 1000).toFixed(2)}–${(endMs / 1000).toFixed(2)} s ${lang}/${id}${complete ? '' : ' (cut off)'} ${score.toFixed(2)}`,
    );
    const stretches = this.tones.stretches.filter(({ startMs, endMs }) => endMs - startMs >= 200).slice(-12);
    const sounds = stretches.map(
      ({ kind, hz, startMs, endMs }) =>
        `${((endMs - startMs) / 1000).toFixed(1)} s ${hz === undefined ? kind : `${hz} Hz`}`,
    );
    return [`heard in ${(this.durationMs / 1000).toFixed(1)} s:`, ...prompts, `  last: ${sounds.join(', ')}`].join(
      '\n',
    );
  }

  /** Senders that pause (silence suppression, a switch that sends nothing) leave holes: by their timestamps, or by arrival when those were restarted. */
  #fillHole({ timestamp, atMs }: FrameInfo): void {
    const behindMs = atMs - (this.#startedAtMs ?? atMs) - this.durationMs;
    if (this.#nextTimestamp === undefined || behindMs < HOLE_MS) return;
    const jump = (timestamp - this.#nextTimestamp) | 0;
    // After a stall of this process frames come late but their timestamps follow each other: no hole then.
    if (jump >= 0 && jump < FRAME_SAMPLES) return;
    // A stream may be behind for good after its sender has stalled: its hole is then only what its timestamps left out.
    const byTimestamp = jump > 0 && jump < LONGEST_HOLE_S * SAMPLE_RATE;
    const frames = Math.round((byTimestamp ? Math.min(jump / 8, behindMs) : behindMs) / 20);
    for (let i = 0; i < Math.min(frames, LONGEST_HOLE_S * 50); i += 1) this.#take(SILENT);
  }

  #take(frame: Int16Array): void {
    if (this.#length + frame.length > this.#samples.length) {
      const larger = new Int16Array(this.#samples.length * 2);
      larger.set(this.#samples);
      this.#samples = larger;
    }
    this.#samples.set(frame, this.#length);
    this.#length += frame.length;
    this.tones.push(frame);
    this.#dtmf.push(frame);
    this.#recogniser?.push(frame);
  }

  #timed(prompt: Recognised): HeardPrompt {
    const start = this.#startedAtMs ?? 0;
    return { ...prompt, startAtMs: start + prompt.startMs, endAtMs: start + prompt.endMs };
  }
}

const SILENT = new Int16Array(FRAME_SAMPLES);
