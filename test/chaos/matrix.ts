import type { Outcomes } from './play.ts';

/** Which steps of a call were survived by the platform, by what was struck. */
export class Matrix {
  readonly #columns = new Map<string, Outcomes>();

  add(column: string, outcomes: Outcomes): void {
    this.#columns.set(column, outcomes);
  }

  get complete(): boolean {
    return this.#columns.size > 0 && [...this.#columns.values()].every((outcomes) => outcomes.size > 0);
  }

  /** Lines of a table: a row a step, a column each that was struck; callers that came through, of how many. */
  lines(): string[] {
    const columns = [...this.#columns];
    const moments = new Set(columns.flatMap(([, outcomes]) => [...outcomes.keys()].map(({ moment }) => moment)));
    const cell = (outcomes: Outcomes, moment: string): string => {
      const errors = [...outcomes].filter(([scene]) => scene.moment === moment).map(([, error]) => error);
      if (errors.length === 0) return '–';
      const well = errors.filter((error) => error === undefined).length;
      return `${well}/${errors.length}${well === errors.length ? '' : ' !'}`;
    };
    const first = Math.max(...[...moments].map(({ length }) => length));
    const widths = columns.map(([name]) => Math.max(name.length, 5));
    const line = (head: string, cells: string[]): string =>
      [head.padEnd(first), ...cells.map((text, index) => text.padStart(widths[index] ?? 0))].join('  ');
    return [
      line(
        'step',
        columns.map(([name]) => name),
      ),
      ...[...moments].toSorted(bySteps).map((moment) =>
        line(
          moment,
          columns.map(([, outcomes]) => cell(outcomes, moment)),
        ),
      ),
    ];
  }
}

const bySteps = (one: string, other: string): number => Number.parseInt(one, 10) - Number.parseInt(other, 10);
