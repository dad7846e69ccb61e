import { FRAME_SAMPLES, type Frame, type FrameSink, type FrameSource, type PlayItem } from './api.ts';

/** Plays samples once, the last frame filled up with silence. */
export class PcmSource implements FrameSource {
  readonly #samples: Int16Array;
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #at: number;

  constructor(samples: Int16Array, offset = 0) {
    this.#samples = samples;
    this.#at = offset;
  }

  pull(): Frame | undefined {
    if (this.#at >= this.#samples.length) return undefined;
    const part = this.#samples.subarray(this.#at, this.#at + FRAME_SAMPLES);
    this.#at += FRAME_SAMPLES;
    if (part.length === FRAME_SAMPLES) return part;
    this.#frame.fill(0).set(part);
    return this.#frame;
  }
}

/** Silence without end. */
export const silence: FrameSource = { pull: () => SILENT };
const SILENT = new Int16Array(FRAME_SAMPLES);

/** Plays items one after the other, without a gap between files. `pull` gives `undefined` while the queue is empty. */
export class PlaybackQueue implements FrameSource {
  readonly #items: { item: PlayItem; at: number; started: boolean }[] = [];
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  /** Called when the last item has ended (not on `clear`). */
  onDrained: (() => void) | undefined;

  play(item: PlayItem): void {
    this.#items.push({ item, at: item.offset ?? 0, started: false });
  }

  /** Stops all items, the playing one too: each `onEnd` is called with `stopped`. */
  clear(): void {
    for (const { item, at } of this.#items.splice(0)) item.onEnd?.('stopped', at - (item.offset ?? 0));
  }

  /** Stops the playing item only; the next one follows. */
  skip(): void {
    const first = this.#items.shift();
    first?.item.onEnd?.('stopped', first.at - (first.item.offset ?? 0));
  }

  get length(): number {
    return this.#items.length;
  }

  pull(): Frame | undefined {
    let filled = 0;
    while (filled < FRAME_SAMPLES) {
      const first = this.#items[0];
      if (!first) break;
      if (!first.started) {
        first.started = true;
        first.item.onStart?.();
        if (this.#items[0] !== first) continue;
      }
      const { audio } = first.item;
      if (audio instanceof Int16Array) {
        const part = audio.subarray(first.at, first.at + FRAME_SAMPLES - filled);
        this.#frame.set(part, filled);
        filled += part.length;
        first.at += part.length;
        if (first.at >= audio.length) this.#finish(first);
      } else if (filled > 0) break;
      else {
        const frame = audio.pull();
        if (frame) {
          first.at += frame.length;
          return frame;
        }
        this.#finish(first);
      }
    }
    if (filled === 0) return undefined;
    return filled === FRAME_SAMPLES ? this.#frame : this.#frame.fill(0, filled);
  }

  #finish(entry: { item: PlayItem; at: number; started: boolean }): void {
    if (this.#items[0] === entry) this.#items.shift();
    entry.item.onEnd?.('done', entry.at - (entry.item.offset ?? 0));
    if (this.#items.length === 0) this.onDrained?.();
  }
}

/** Sum of several sources, saturated: uuid_displace's `mux`. A source that gives nothing counts as silence; none at all gives `undefined`. */
export class MixSource implements FrameSource {
  readonly sources = new Set<FrameSource>();
  readonly #frame = new Int16Array(FRAME_SAMPLES);

  constructor(...sources: FrameSource[]) {
    for (const source of sources) this.sources.add(source);
  }

  pull(): Frame | undefined {
    let any = false;
    for (const source of this.sources) {
      const frame = source.pull();
      if (!frame) continue;
      if (any) mixInto(this.#frame, frame);
      else this.#frame.set(frame);
      any = true;
    }
    return any ? this.#frame : undefined;
  }
}

/** Adds `frame` to `into`, saturating. */
export function mixInto(into: Int16Array, frame: Int16Array): void {
  for (let i = 0; i < into.length; i += 1) {
    const sum = (into[i] as number) + (frame[i] as number);
    into[i] = sum > 32_767 ? 32_767 : sum < -32_768 ? -32_768 : sum;
  }
}

/**
 * Frames received here are what is sent there: half of a bridge. Holds one frame back to ride out arrival jitter; when the two clocks
 * drift apart by more than `depth` frames (default 6, 120 ms) the oldest is dropped.
 */
export class FrameRelay implements FrameSource, FrameSink {
  readonly #frames: Int16Array[] = [];
  readonly #spare: Int16Array[] = [];
  readonly #depth: number;
  #out: Int16Array | undefined;
  #primed = false;

  constructor(depth = 6) {
    this.#depth = depth;
  }

  push(frame: Frame): void {
    const copy = this.#spare.pop() ?? new Int16Array(FRAME_SAMPLES);
    copy.set(frame);
    this.#frames.push(copy);
    if (this.#frames.length > this.#depth) {
      const dropped = this.#frames.shift();
      if (dropped) this.#spare.push(dropped);
    }
  }

  pull(): Frame | undefined {
    if (this.#out) this.#spare.push(this.#out);
    this.#out = undefined;
    if (!this.#primed && this.#frames.length < 2) return undefined;
    this.#out = this.#frames.shift();
    this.#primed = this.#out !== undefined;
    return this.#out;
  }
}
