import { ALL_SWITCH_STATUS, sw, switchCommandSubject } from '@ringback/contracts';
import { connectNats, type Logger, type NatsConnection, nowUs, uuidv7 } from '@ringback/service-kit';
import type { Report } from './domain/switches.ts';

const STATES: Readonly<Partial<Record<sw.SwitchStatus_State, Report['state']>>> = {
  [sw.SwitchStatus_State.ACTIVE]: 'active',
  [sw.SwitchStatus_State.DRAINING]: 'draining',
  [sw.SwitchStatus_State.DISCONNECTED]: 'disconnected',
};
const COMMAND_MS = 5_000;
/** Calls a second are told over at least so long: one second is too few calls to count. */
const RATE_MS = 5_000;
/** Reports of switches that nobody asks for any more, ms. */
const FORGET_MS = 10 * 60_000;

interface Known {
  readonly report: Report;
  /** Start of the interval calls are counted over. */
  readonly counted: { readonly at: number; readonly begun: bigint; readonly run: string };
}

/** One status more: what is known of the switch then. `now` is the operator's clock, ms. */
export function withStatus(before: Known | undefined, status: sw.SwitchStatus, now: number): Known | undefined {
  const state = STATES[status.state];
  if (state === undefined) return undefined;
  const calls = status.sessions;
  const counted = before?.counted;
  const goesOn = counted !== undefined && counted.run === status.run && status.legsBegun >= counted.begun;
  const ms = goesOn ? now - counted.at : 0;
  const measured = goesOn && ms >= RATE_MS;
  const callsPerSecond = measured
    ? Math.round((Number(status.legsBegun - counted.begun) * 1000) / ms)
    : (before?.report.callsPerSecond ?? 0);
  const idle = state === 'draining' && calls === 0;
  return {
    report: {
      state,
      calls,
      callsPerSecond,
      heardAt: now,
      ...(idle ? { idleSince: before?.report.idleSince ?? now } : {}),
    },
    counted: goesOn && !measured ? counted : { at: now, begun: status.legsBegun, run: status.run },
  };
}

/** What the switches say of themselves, and commands to them. */
export class SwitchReports {
  readonly #known = new Map<string, Known>();
  readonly #changed: (switchId: string) => void;
  #connection: NatsConnection | undefined;

  /** @param changed something about a switch is different than before, besides the number of its calls. */
  constructor(changed: (switchId: string) => void) {
    this.#changed = changed;
  }

  /** Goes on trying for ever; the operator works without, and takes no switch for empty meanwhile. */
  start(options: { url: string; log: Logger; fail(error: unknown): void }): void {
    const connect = async (): Promise<void> => {
      const connection = await connectNats({ url: options.url, name: 'operator' });
      this.#connection = connection;
      connection.subscribe(ALL_SWITCH_STATUS, {
        callback: (error, message) => {
          if (error) return options.log.warn({ err: error }, 'reports of switches cannot be received');
          try {
            this.heard(sw.SwitchStatus.decode(message.data), Date.now());
          } catch (problem) {
            options.log.warn({ err: problem, subject: message.subject }, 'a report of a switch was not understood');
          }
        },
      });
    };
    connect().catch(options.fail);
  }

  heard(status: sw.SwitchStatus, now: number): void {
    const before = this.#known.get(status.switchId);
    const after = withStatus(before, status, now);
    if (after === undefined) return;
    this.#known.set(status.switchId, after);
    const same =
      before?.report.state === after.report.state &&
      (before.report.calls === 0) === (after.report.calls === 0) &&
      now - before.report.heardAt < 5_000;
    if (!same) this.#changed(status.switchId);
    for (const [id, { report }] of this.#known) if (now - report.heardAt > FORGET_MS) this.#known.delete(id);
  }

  get(switchId: string): Report | undefined {
    return this.#known.get(switchId)?.report;
  }

  get connected(): boolean {
    return this.#connection !== undefined && !this.#connection.isClosed();
  }

  /** @throws when the agent does not take it: NATS is away, or the agent is. */
  async drain(switchId: string, draining: boolean): Promise<void> {
    if (!this.#connection) throw new Error('NATS is not connected');
    const command = sw.Command.fromPartial({
      commandId: uuidv7(),
      startByUs: nowUs() + BigInt(COMMAND_MS * 1000),
      body: { $case: 'drain', value: { draining } },
    });
    const reply = await this.#connection.request(switchCommandSubject(switchId), sw.Command.encode(command).finish(), {
      timeout: COMMAND_MS,
    });
    const { status, message } = sw.CommandAck.decode(reply.data);
    const { ACCEPTED, DUPLICATE } = sw.CommandAck_Status;
    if (status !== ACCEPTED && status !== DUPLICATE) throw new Error(`its agent refused: ${message}`);
  }

  async stop(): Promise<void> {
    await this.#connection?.close();
  }
}
