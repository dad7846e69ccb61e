import { SAMPLE_RATE } from './api.ts';

const ROWS = [697, 770, 852, 941] as const;
const COLUMNS = [1209, 1336, 1477, 1633] as const;
const KEYS = ['123A', '456B', '789C', '*0#D'] as const;

/** RFC 4733 section 3.2: event codes 0..15. */
const EVENTS = '0123456789*#ABCD';

export function eventOfDigit(digit: string): number | undefined {
  const event = EVENTS.indexOf(digit.toUpperCase());
  return digit.length === 1 && event >= 0 ? event : undefined;
}

export function digitOfEvent(event: number): string | undefined {
  return EVENTS[event];
}

/** The dual tone of a digit (ITU-T Q.23), `level` the peak of each frequency, 0..1. Throws RangeError for anything but 0-9 * # A-D. */
export function dtmfTone(digit: string, ms: number, level = 0.25): Int16Array {
  const row = KEYS.findIndex((keys) => keys.includes(digit.toUpperCase()) && digit.length === 1);
  const column = KEYS[row]?.indexOf(digit.toUpperCase()) ?? -1;
  const low = ROWS[row];
  const high = COLUMNS[column];
  if (low === undefined || high === undefined) throw new RangeError('not a DTMF digit');
  const out = new Int16Array(Math.round((ms * SAMPLE_RATE) / 1000));
  for (let i = 0; i < out.length; i += 1) {
    const t = (2 * Math.PI * i) / SAMPLE_RATE;
    out[i] = Math.round(32_767 * level * (Math.sin(low * t) + Math.sin(high * t)));
  }
  return out;
}

/** Power of one frequency in a block, as the squared amplitude a sine of it would have (Goertzel). */
export function goertzel(samples: Int16Array, start: number, length: number, frequency: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / SAMPLE_RATE);
  let s1 = 0;
  let s2 = 0;
  for (let i = start; i < start + length; i += 1) {
    const s0 = (samples[i] as number) + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  return (4 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2)) / (length * length);
}

/** 102 samples (12.75 ms): the bins of the eight frequencies are far enough apart (ITU-T Q.24 wants 40 ms tones recognised). */
const BLOCK = 102;
const MIN_AMPLITUDE = 400;

/** Finds DTMF tones in a stream of samples; a digit needs three blocks (38 ms) of the same pair and ends with two without it. */
export class DtmfDetector {
  readonly #onDigit: (digit: string, durationMs: number) => void;
  readonly #block = new Int16Array(BLOCK);
  #filled = 0;
  #candidate: string | undefined;
  #hits = 0;
  #misses = 0;

  /** `onDigit` gets each digit when its tone has ended. */
  constructor(onDigit: (digit: string, durationMs: number) => void) {
    this.#onDigit = onDigit;
  }

  push(frame: Int16Array): void {
    for (let at = 0; at < frame.length; ) {
      const part = frame.subarray(at, at + BLOCK - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BLOCK) {
        this.#filled = 0;
        this.#judge(digitIn(this.#block));
      }
    }
  }

  #judge(digit: string | undefined): void {
    if (digit !== undefined && digit === this.#candidate) {
      this.#hits += 1;
      this.#misses = 0;
      return;
    }
    this.#misses += 1;
    if (this.#candidate !== undefined && this.#hits < 3 && digit !== undefined) this.#misses = 2;
    if (this.#misses < 2 && this.#candidate !== undefined) return;
    if (this.#candidate !== undefined && this.#hits >= 3) {
      this.#onDigit(this.#candidate, Math.round((this.#hits * BLOCK * 1000) / SAMPLE_RATE));
    }
    this.#candidate = digit;
    this.#hits = digit === undefined ? 0 : 1;
    this.#misses = 0;
  }
}

function digitIn(block: Int16Array): string | undefined {
  let energy = 0;
  for (const sample of block) energy += sample * sample;
  if (energy / block.length < (MIN_AMPLITUDE * MIN_AMPLITUDE) / 2) return undefined;
  const [row, low, nextLow] = strongest(block, ROWS);
  const [column, high, nextHigh] = strongest(block, COLUMNS);
  // Twist within 8 dB either way, each tone 6 dB above the others of its group, and both together most of the energy (not speech).
  if (low < MIN_AMPLITUDE ** 2 || high < MIN_AMPLITUDE ** 2 || low > high * 6.3 || high > low * 6.3) return undefined;
  if (low < nextLow * 4 || high < nextHigh * 4) return undefined;
  if ((low + high) / 2 < 0.8 * (energy / block.length)) return undefined;
  return KEYS[row]?.[column];
}

function strongest(block: Int16Array, frequencies: readonly number[]): [index: number, power: number, next: number] {
  let index = 0;
  let power = -1;
  let next = -1;
  frequencies.forEach((frequency, i) => {
    const each = goertzel(block, 0, block.length, frequency);
    if (each > power) {
      next = power;
      power = each;
      index = i;
    } else if (each > next) next = each;
  });
  return [index, power, next];
}
