import { hash32 } from './random.ts';

export interface About {
  sessionId?: string;
  legId?: string;
  number?: string;
}

export interface Entry extends About {
  atUs: number;
  who: string;
  words: string;
}

/** Everything that happened, as a hash, and where it is wanted in words. The same seed twice gives the same hash. */
export class Trace {
  readonly #record: boolean;
  readonly entries: Entry[] = [];
  #one = 0x811c9dc5;
  #two = 0x9e3779b9;
  count = 0;

  constructor(record: boolean) {
    this.#record = record;
  }

  add(atUs: number, who: string, words: string, about: About = {}): void {
    this.count += 1;
    const line = `${atUs}${who}${words}${about.legId ?? about.sessionId ?? ''}`;
    this.#one = hash32(line, this.#one);
    this.#two = Math.imul(this.#two ^ this.#one, 0x85ebca6b) >>> 0;
    if (this.#record) this.entries.push({ atUs, who, words, ...about });
  }

  get hash(): string {
    return [this.#one, this.#two].map((part) => part.toString(16).padStart(8, '0')).join('');
  }
}
