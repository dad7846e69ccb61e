import { sw } from '@ringback/contracts';
import type { Leg, Told, Turn } from './core/leg.ts';
import type { JournalPort } from './journal/journal.ts';
import type { JournalRecord } from './journal/records.ts';

/** Whose events they are. */
export type Owner = Pick<Leg, 'sessionId' | 'shard' | 'traceparent'>;

export interface LegBookOptions {
  journal: JournalPort;
  nowUs: () => number;
  /** Events of the shard up to this number are on the disk. */
  durable: (shard: number, seq: number) => void;
  /** One event, for the metrics. */
  counted?: (kind: Told['body']['$case']) => void;
  /** The leg is over, as was told of it. */
  over?: (leg: Leg, told: readonly Told[]) => void;
}

/** The legs as the journal knows them: what changes and what is told of it is written in one piece. */
export class LegBook {
  readonly #options: LegBookOptions;

  constructor(options: LegBookOptions) {
    this.#options = options;
  }

  get(id: string): Leg | undefined {
    return this.#options.journal.state.legs.get(id);
  }

  live(): Leg[] {
    return [...this.#options.journal.state.live].flatMap((id) => this.get(id) ?? []);
  }

  get count(): number {
    return this.#options.journal.state.live.size;
  }

  /** Commands (for the leg) whose outcome is still owed, in order of arrival. */
  pending(legId?: string): sw.Command[] {
    const { commands, owed } = this.#options.journal.state;
    return [...owed]
      .flatMap((id) => commands.get(id) ?? [])
      .filter((known) => legId === undefined || known.legId === legId)
      .flatMap(({ data }) => (data ? [sw.Command.decode(data)] : []));
  }

  isPending(commandId: string): boolean {
    return this.#options.journal.state.owed.has(commandId);
  }

  /** Journals a leg's new state with what is told of it, and the commands that are thereby done. */
  apply({ leg, told }: Pick<Turn, 'leg' | 'told'>, done: readonly string[] = []): void {
    if (leg === this.get(leg.id) && told.length === 0 && done.length === 0) return;
    // Nothing comes of a command for a leg that is over, but its end.
    const over = leg.ended ? this.pending(leg.id).filter(endsWithLeg) : [];
    if (leg.ended && !this.get(leg.id)?.ended) this.#options.over?.(leg, told);
    this.#write(leg, told, [...done, ...over.map(({ commandId }) => commandId)], [{ k: 'leg', leg }]);
  }

  /** Journals events that change no leg. */
  tell(owner: Owner, told: readonly Told[], done: readonly string[] = []): void {
    this.#write(owner, told, done, []);
  }

  #write(owner: Owner, told: readonly Told[], done: readonly string[], records: JournalRecord[]): void {
    const { journal, durable, nowUs, counted } = this.#options;
    let { seq } = journal.state.shard(owner.shard);
    for (const { legId, atUs, commandId, body } of told) {
      seq += 1;
      const event = sw.Event.encode({
        seq: BigInt(seq),
        sessionId: owner.sessionId,
        legId,
        atUs: BigInt(Math.round(atUs)),
        traceparent: owner.traceparent,
        commandId,
        body,
      }).finish();
      records.push({ k: 'event', shard: owner.shard, seq, data: Buffer.from(event).toString('base64') });
      counted?.(body.$case);
    }
    for (const id of done) if (this.isPending(id)) records.push({ k: 'done', id, atUs: nowUs() });
    const written = journal.append(records);
    // A disk that fails ends the process (the journal says so).
    written.then(() => told.length > 0 && durable(owner.shard, seq)).catch(() => undefined);
  }
}

/** A Bridge that was accepted but not begun still owes B's end; a Probe its answer. */
const endsWithLeg = ({ body }: sw.Command): boolean => body?.$case !== 'probe' && body?.$case !== 'bridge';
