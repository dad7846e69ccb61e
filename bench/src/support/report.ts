import type { Quantiles } from './latencies.ts';

const ms = (time: number): string => `${time.toFixed(1)} ms`;

/** One line of times; `name` says what was waited for. */
export function timesLine(name: string, { p50, p99, max, count }: Quantiles): string {
  return `  ${name.padEnd(42)} p50 ${ms(p50)}  p99 ${ms(p99)}  max ${ms(max)}  (${count})`;
}

/** CPU by process: what each used for one of `count`. */
export function cpuLines(cpu: Record<string, number>, count: number): string[] {
  const each = (seconds: number): string => ((seconds / Math.max(1, count)) * 1000).toFixed(2);
  const total = Object.values(cpu).reduce((sum, used) => sum + used, 0);
  return [
    `  CPU per callback: ${each(total)} ms, of it`,
    ...Object.entries(cpu)
      .toSorted(([, a], [, b]) => b - a)
      .filter(([, used]) => used >= 0.01)
      .map(([name, used]) => `    ${name.padEnd(12)} ${each(used)} ms`),
  ];
}

/** What is used now less what was used before, by process. */
export const since = (before: Record<string, number>, after: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(after).map(([name, used]) => [name, used - (before[name] ?? 0)]));
