import { randomUUID } from 'node:crypto';
import { type EslAddress, EslConnection } from './connection.ts';
import { EslError } from './errors.ts';
import type { EslEvent } from './event.ts';

export interface EslClientOptions extends EslAddress {
  /** Names of events; those with `::` are subclasses of CUSTOM. */
  events: readonly string[];
  /** In the order of arrival, also while `up` still works. BACKGROUND_JOBs of this client's `bgapi` are not among them. */
  onEvent(event: EslEvent): void;
  /** Authenticated and subscribed. */
  onUp?(): void;
  onDown?(reason: Error): void;
  /** Longest wait between two attempts, in ms; the first is 50. Default 2000. */
  maxWaitMs?: number;
  random?: () => number;
  /** Runs `work` after `ms`, answers how to call it off. Default: the process's own timers. */
  setTimer?: (ms: number, work: () => void) => () => void;
}

const FIRST_WAIT_MS = 50;
const MAX_JOBS = 10_000;

function processTimer(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

/** An inbound-mode client that connects again for ever, until it is closed. */
export class EslClient {
  readonly #options: EslClientOptions;
  readonly #jobs = new Map<string, { resolve(text: string): void; reject(error: Error): void }>();
  #connection: EslConnection | undefined;
  #attempt = 0;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(options: EslClientOptions) {
    this.#options = options;
  }

  /** Begins to connect; `onUp` tells when it has. */
  start(): void {
    this.#connect().catch((error: Error) => this.#again(error));
  }

  get up(): boolean {
    return this.#connection !== undefined;
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#connection?.close();
  }

  /** Ends the connection, so that it is made anew: for who no longer trusts it. */
  reconnect(): void {
    this.#connection?.close();
  }

  /**
   * `api <line>`: the answer's text. For answers that say how it went, `ask` throws at -ERR.
   * @throws {EslError}
   */
  api(line: string): Promise<string> {
    return this.#live().then((connection) => connection.api(line));
  }

  /** As `api`, but an answer that begins with `-ERR`, `-USAGE` or `-ERROR` is thrown as `refused`. */
  async ask(line: string): Promise<string> {
    const text = await this.api(line);
    if (/^-(ERR|USAGE)/.test(text)) throw new EslError('refused', text.replace(/^-\w+:?\s*/, ''));
    return text;
  }

  /**
   * `bgapi <line>`: `started` when the switch has taken it, `result` with the job's text (a failed job's begins with
   * `-ERR`). `result` rejects with `disconnected` when the connection goes first: what became of the job is not known.
   */
  async bgapi(line: string, job: string = randomUUID()): Promise<{ result: Promise<string> }> {
    const connection = await this.#live();
    if (this.#jobs.size >= MAX_JOBS) throw new EslError('overloaded', 'too many jobs are under way');
    const result = new Promise<string>((resolve, reject) => this.#jobs.set(job, { resolve, reject }));
    result.catch(() => undefined);
    try {
      const reply = await connection.command(`bgapi ${line}`, [['Job-UUID', job]]);
      if (!reply.startsWith('+OK')) throw new EslError('refused', reply);
    } catch (error) {
      this.#jobs.delete(job);
      throw error;
    }
    return { result };
  }

  /**
   * `sendmsg … execute`. The id comes back as `Application-UUID` in the events of that execution. With `queued` it waits
   * until what the channel executes is done; without, it runs inside of that (recording s01e).
   */
  async execute(channel: string, app: string, argument: string, id?: string, queued = false): Promise<void> {
    await this.#sendmsg(channel, [
      ['call-command', 'execute'],
      ['execute-app-name', app],
      ...(argument === '' ? [] : [['execute-app-arg', argument] as const]),
      ...(id === undefined ? [] : [['event-uuid', id] as const]),
      ...(queued ? [['async', 'true'] as const, ['event-lock', 'true'] as const] : []),
    ]);
  }

  /** `sendmsg … hangup` with a cause's name. */
  hangup(channel: string, cause: string): Promise<void> {
    return this.#sendmsg(channel, [
      ['call-command', 'hangup'],
      ['hangup-cause', cause],
    ]);
  }

  async #sendmsg(channel: string, headers: readonly (readonly [string, string])[]): Promise<void> {
    const connection = await this.#live();
    const reply = await connection.command(`sendmsg ${channel}`, headers);
    if (!reply.startsWith('+OK')) throw new EslError('refused', reply.replace(/^-ERR\s*/, ''));
  }

  #live(): Promise<EslConnection> {
    return this.#connection
      ? Promise.resolve(this.#connection)
      : Promise.reject(new EslError('not_connected', 'the event socket is not connected'));
  }

  async #connect(): Promise<void> {
    let ended: Error | undefined;
    let connection: EslConnection | undefined;
    connection = await EslConnection.open(this.#options, {
      event: (event) => this.#event(event),
      closed: (reason) => {
        ended = reason;
        if (connection !== undefined && this.#connection === connection) this.#down(reason);
      },
    });
    if (this.#closed) return connection.close();
    try {
      const names = this.#options.events.filter((name) => !name.includes('::'));
      const custom = this.#options.events.filter((name) => name.includes('::'));
      // What follows CUSTOM is taken for its subclasses: it comes last.
      const wanted = ['BACKGROUND_JOB', ...names, ...(custom.length > 0 ? ['CUSTOM', ...custom] : [])];
      const reply = await connection.command(`event plain ${wanted.join(' ')}`);
      if (!reply.startsWith('+OK')) throw new EslError('refused', reply);
    } catch (error) {
      connection.close();
      throw error;
    }
    if (ended) throw ended;
    this.#attempt = 0;
    this.#connection = connection;
    this.#options.onUp?.();
  }

  #event(event: EslEvent): void {
    const job = event.name === 'BACKGROUND_JOB' ? event.get('Job-UUID') : '';
    const waiting = job === '' ? undefined : this.#jobs.get(job);
    if (waiting) {
      this.#jobs.delete(job);
      waiting.resolve(event.body.replace(/\n$/, ''));
      return;
    }
    this.#options.onEvent(event);
  }

  #down(reason: Error): void {
    this.#connection = undefined;
    for (const { reject } of this.#jobs.values()) {
      reject(new EslError('disconnected', 'the event socket went away before the job ended', { cause: reason }));
    }
    this.#jobs.clear();
    this.#options.onDown?.(reason);
    this.#again(reason);
  }

  /** Exponential back-off with jitter. */
  #again(_reason: Error): void {
    if (this.#closed) return;
    const { maxWaitMs = 2_000, random = Math.random, setTimer = processTimer } = this.#options;
    const ceiling = Math.min(FIRST_WAIT_MS * 2 ** this.#attempt, maxWaitMs);
    this.#attempt = Math.min(this.#attempt + 1, 20);
    this.#cancelTimer = setTimer(ceiling / 2 + (random() * ceiling) / 2, () => this.start());
  }
}
