import { writeFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { ringbackTone } from '@ringback/dev-media';
import { answer, type Behaviour, busy, decline, earlyMedia, noAnswer, reject } from './behaviour.ts';
import type { PhoneCall } from './phone-call.ts';
import type { Telephone } from './telephone.ts';

interface Command {
  usage: string;
  help: string;
  run(terminal: Terminal, words: string[]): void | Promise<void>;
}

/** For people: one line in, what happens comes out as it happens. */
export class Terminal {
  readonly phone: Telephone;
  readonly #print: (line: string) => void;
  readonly #input: NodeJS.ReadableStream;
  #lines: Interface | undefined;
  /** The caller's number of the next `call`. */
  from: string;
  #current: PhoneCall | undefined;

  constructor(
    phone: Telephone,
    options: { from: string; input: NodeJS.ReadableStream; print: (line: string) => void },
  ) {
    this.phone = phone;
    this.from = options.from;
    this.#input = options.input;
    this.#print = options.print;
    const start = performance.now();
    phone.timeline.onEntry = ({ atMs, who, what }) =>
      this.print(`${((atMs - start) / 1000).toFixed(2).padStart(8)}  ${who}  ${what}`);
    phone.onCall = (call) => {
      if (this.#current?.end) this.#current = undefined;
      this.#current ??= call;
      this.print(`  ${call.to} is called by ${call.from}: answer, reject, or let it ring (call ${this.number(call)})`);
    };
  }

  print(line: string): void {
    this.#print(line);
    this.#lines?.prompt(true);
  }

  number(call: PhoneCall): number {
    return this.phone.calls.indexOf(call) + 1;
  }

  /** The call a command is for: the one last chosen, else the last that is up. Throws when there is none. */
  get call(): PhoneCall {
    const call = this.#current && !this.#current.end ? this.#current : this.phone.calls.findLast((each) => !each.end);
    if (!call) throw new Error('there is no call');
    this.#current = call;
    return call;
  }

  select(number: number): void {
    const call = this.phone.calls[number - 1];
    if (!call) throw new Error(`there is no call ${number}`);
    this.#current = call;
  }

  /** The last call, also when it is over (to save what was heard). */
  get last(): PhoneCall {
    const call = this.#current ?? this.phone.calls.at(-1);
    if (!call) throw new Error('there was no call yet');
    return call;
  }

  chose(call: PhoneCall): void {
    this.#current = call;
  }

  /** Runs until `quit` or the end of the input. */
  async run(): Promise<void> {
    const lines = createInterface({
      input: this.#input,
      output: process.stdout.isTTY ? process.stdout : undefined,
      prompt: 'phone> ',
    });
    this.#lines = lines;
    lines.prompt();
    try {
      for await (const line of lines) {
        if (/^\s*(quit|exit)\s*$/.test(line)) break;
        await this.execute(line);
        lines.prompt();
      }
    } finally {
      this.#lines = undefined;
      lines.close();
    }
  }

  /** One command; its failure is printed. */
  async execute(line: string): Promise<void> {
    const [name, ...words] = line.trim().split(/\s+/);
    if (name === undefined || name === '') return;
    const command = COMMANDS[name] ?? COMMANDS[SHORT[name] ?? ''];
    if (!command) return this.print(`there is no command ${name}; help lists them`);
    try {
      await command.run(this, words);
    } catch (error) {
      this.print((error as Error).message);
    }
  }
}

const SHORT: Readonly<Record<string, string>> = { c: 'call', a: 'answer', h: 'hangup', k: 'key', '?': 'help' };

function behaviourOf(words: readonly string[]): Behaviour {
  const [kind = '', first] = words;
  const ms = first === undefined ? undefined : Number(first) * 1000;
  if (kind === 'answer') return answer(ms ?? 2000);
  if (kind === 'busy') return busy(ms);
  if (kind === 'decline') return decline(ms);
  if (kind === 'silent') return noAnswer();
  if (kind === 'early') return earlyMedia(ringbackTone(), ms ?? 5000);
  if (/^[3-6]\d\d$/.test(kind)) return reject(Number(kind), { ringMs: ms });
  throw new Error(
    'answer [s] | busy [s] | decline [s] | silent | early [s] | 404 [s]: what the number does, after ringing for s seconds',
  );
}

const COMMANDS: Readonly<Record<string, Command>> = {
  call: {
    usage: 'call <number> [from]',
    help: 'call the platform, e.g. an access number; from: the caller\'s number, or "anonymous"',
    async run(terminal, [to, from]) {
      if (to === undefined) throw new Error('call whom?');
      if (from !== undefined) terminal.from = from;
      terminal.chose(await terminal.phone.call(terminal.from, to));
    },
  },
  answer: { usage: 'answer', help: 'answer the call that rings', run: (terminal) => terminal.call.answer() },
  reject: {
    usage: 'reject [status]',
    help: 'refuse it; 486 busy (default), 603 decline, 404 unallocated, 503 congestion',
    run: (terminal, [status = '486']) => terminal.call.reject(Number(status)),
  },
  hangup: {
    usage: 'hangup',
    help: 'end the call',
    run: (terminal) => terminal.call.hangup('Q.850;cause=16;text="NORMAL_CLEARING"'),
  },
  key: {
    usage: 'key <digits> [rfc4733|info|inband]',
    help: 'key 0-9 * #',
    run(terminal, [digits = '', method]) {
      if (method !== undefined && method !== 'rfc4733' && method !== 'info' && method !== 'inband')
        throw new Error('rfc4733, info or inband?');
      return terminal.call.key(digits, { method });
    },
  },
  say: {
    usage: 'say <file.wav>',
    help: 'play a WAV file to the far end',
    run: (terminal, [file = '']) => void terminal.call.say(file),
  },
  tone: {
    usage: 'tone <hz>|off',
    help: 'send a steady tone, so that the other end can tell who it hears',
    run: (terminal, [hz = 'off']) => terminal.call.marker(hz === 'off' ? undefined : Number(hz)),
  },
  mute: { usage: 'mute', help: 'send silence', run: (terminal) => terminal.call.mute(true) },
  unmute: { usage: 'unmute', help: 'speak again', run: (terminal) => terminal.call.mute(false) },
  heard: {
    usage: 'heard',
    help: 'what was heard in this call',
    run: (terminal) => terminal.print(terminal.last.heard.describe()),
  },
  save: {
    usage: 'save <file.wav>',
    help: 'write what was heard in this call',
    run(terminal, [file]) {
      if (file === undefined) throw new Error('save to which file?');
      writeFileSync(file, terminal.last.heard.wav());
      terminal.print(`${(terminal.last.heard.durationMs / 1000).toFixed(1)} s in ${file}`);
    },
  },
  calls: {
    usage: 'calls',
    help: 'all calls so far',
    run(terminal) {
      for (const call of terminal.phone.calls) {
        const state = call.end
          ? `ended (${call.end.by}${call.end.status === undefined ? '' : ` ${call.end.status}`})`
          : call.state;
        terminal.print(
          `${String(terminal.number(call)).padStart(3)}  ${call.direction.padEnd(8)}  ${call.from} → ${call.to}  ${state}`,
        );
      }
    },
  },
  use: {
    usage: 'use <n>',
    help: 'take call n of the list for the next commands',
    run: (terminal, [number]) => terminal.select(Number(number)),
  },
  rule: {
    usage: 'rule <number>|* <what> [s]',
    help: 'what a number does when called: answer, busy, decline, silent, early, or a status; after s seconds of ringing',
    run(terminal, [number, ...words]) {
      if (number === undefined) throw new Error('a rule for which number?');
      terminal.phone.onCallTo(number, behaviourOf(words));
    },
  },
  timeline: {
    usage: 'timeline',
    help: 'everything again, in order',
    run: (terminal) => terminal.print(terminal.phone.timeline.text()),
  },
  help: {
    usage: 'help',
    help: 'this list; quit ends',
    run(terminal) {
      for (const { usage, help } of Object.values(COMMANDS)) terminal.print(`  ${usage.padEnd(36)} ${help}`);
    },
  },
};
