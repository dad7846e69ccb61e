export interface Quantiles {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

/** In ms, by what was waited for. */
export type Times = Record<string, number[]>;

/** Gathers times. */
export class Latencies {
  #times: Times = {};

  add(what: string, ms: number): void {
    const times = this.#times[what];
    if (times) times.push(ms);
    else this.#times[what] = [ms];
  }

  /** All since the last call. */
  take(): Times {
    const taken = this.#times;
    this.#times = {};
    return taken;
  }
}

export function merge(parts: readonly Times[]): Record<string, Quantiles> {
  const names = [...new Set(parts.flatMap((part) => Object.keys(part)))];
  return Object.fromEntries(names.map((name) => [name, quantiles(parts.flatMap((part) => part[name] ?? []))]));
}

function quantiles(times: readonly number[]): Quantiles {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
