import type { Core } from '../core.ts';
import { channelCommands } from './channel-commands.ts';
import { systemCommands } from './system-commands.ts';

/** Runs one command; the text is the api/response body exactly as FreeSWITCH writes it. */
export type ApiCommand = (core: Core, argument: string) => string | Promise<string>;

export const NO_CHANNEL = '-ERR No such channel!\n';

/** The API commands of the switch, by name. */
export class Api {
  readonly #core: Core;
  readonly #commands: ReadonlyMap<string, ApiCommand>;

  constructor(core: Core) {
    this.#core = core;
    this.#commands = new Map([...channelCommands, ...systemCommands]);
  }

  async run(name: string, argument: string): Promise<string> {
    const command = this.#commands.get(name);
    if (command === undefined) return `-ERR ${name} Command not found!\n`;
    return command(this.#core, argument.trim());
  }

  /** `0 years, 0 days, 0 hours, 12 minutes, 43 seconds, 720 milliseconds, 576 microseconds`. */
  upTime(): string {
    let rest = this.#core.bus.now() - this.#core.startedAt;
    const parts: string[] = [];
    for (const [unit, size] of [
      ['year', 365 * 86_400_000_000],
      ['day', 86_400_000_000],
      ['hour', 3_600_000_000],
      ['minute', 60_000_000],
      ['second', 1_000_000],
      ['millisecond', 1000],
      ['microsecond', 1],
    ] as const) {
      const count = Math.floor(rest / size);
      rest -= count * size;
      parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    }
    return parts.join(', ');
  }
}
