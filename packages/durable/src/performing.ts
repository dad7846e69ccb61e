import type { Live, Owed, Trigger } from './machine.ts';
import type { Clock, Performer } from './ports.ts';

interface Watched<X> {
  owed: readonly Owed<X>[];
  shard: number;
  epoch: number;
  /** Effects being performed, or waiting for their next attempt. */
  busy: Map<string, { cancel?: () => void }>;
  timers: Map<string, { atUs: number; cancel: () => void }>;
}

/** Performs what is owed and watches the timers, never awaited by the loop; results come back as inputs. */
export class Performing<E, X> {
  readonly #performer: Performer<E, X>;
  readonly #clock: Clock;
  readonly #tell: (input: { sessionId: string; trigger: Trigger<E, X> }) => void;
  readonly #watched = new Map<string, Watched<X>>();
  /** Results of a life before `clear` are not told. */
  #life = 0;

  constructor(
    performer: Performer<E, X>,
    clock: Clock,
    tell: (input: { sessionId: string; trigger: Trigger<E, X> }) => void,
  ) {
    this.#performer = performer;
    this.#clock = clock;
    this.#tell = tell;
  }

  clear(): void {
    this.#life += 1;
    for (const watched of this.#watched.values()) {
      for (const { cancel } of watched.busy.values()) cancel?.();
      for (const { cancel } of watched.timers.values()) cancel();
    }
    this.#watched.clear();
  }

  /** Brings what is watched of a session to its committed state. */
  sync<S>(live: Live<S, X>, epoch: number, closed: boolean): void {
    const watched = this.#watched.get(live.id) ?? {
      owed: [],
      shard: live.shard,
      epoch,
      busy: new Map<string, { cancel?: () => void }>(),
      timers: new Map<string, { atUs: number; cancel: () => void }>(),
    };
    watched.owed = live.owed;
    watched.epoch = epoch;
    const owedIds = new Set(live.owed.map(({ id }) => id));
    for (const [id, { cancel }] of watched.busy) {
      if (owedIds.has(id)) continue;
      cancel?.();
      watched.busy.delete(id);
    }
    for (const [name, timer] of watched.timers) {
      if (live.timers[name] === timer.atUs && !closed) continue;
      timer.cancel();
      watched.timers.delete(name);
    }
    if (closed) {
      this.#watched.delete(live.id);
      return;
    }
    this.#watched.set(live.id, watched);
    for (const [name, atUs] of Object.entries(live.timers)) {
      if (!watched.timers.has(name)) this.#setTimer(live.id, watched, name, atUs);
    }
    const lanes = new Set<string>();
    for (const owed of live.owed) {
      if (lanes.has(owed.lane)) continue;
      lanes.add(owed.lane);
      if (!watched.busy.has(owed.id)) this.#attempt(live.id, watched, owed, 0);
    }
  }

  #setTimer(sessionId: string, watched: Watched<X>, name: string, atUs: number): void {
    const wait = Math.max(0, Math.ceil((atUs - this.#clock.nowUs()) / 1000));
    // setTimeout takes 2³¹ ms at most.
    const cancel = this.#clock.after(Math.min(wait, 2 ** 31 - 1), () => {
      if (this.#clock.nowUs() >= atUs) this.#tell({ sessionId, trigger: { type: 'timer', name } });
      else this.#setTimer(sessionId, watched, name, atUs);
    });
    watched.timers.set(name, { atUs, cancel });
  }

  #attempt(sessionId: string, watched: Watched<X>, owed: Owed<X>, attempts: number): void {
    const { id, body, giveUpAtUs } = owed;
    const busy: { cancel?: () => void } = {};
    watched.busy.set(id, busy);
    if (this.#clock.nowUs() >= giveUpAtUs) {
      this.#tell({ sessionId, trigger: { type: 'gaveUp', effect: body, effectId: id } });
      return;
    }
    const life = this.#life;
    const { shard, epoch } = watched;
    const attempt = attempts + 1;
    this.#performer.perform({ id, body, sessionId, shard, epoch, attempt, giveUpAtUs }).then(
      (outcome) => {
        if (life !== this.#life || watched.busy.get(id) !== busy) return;
        if (outcome.done) {
          this.#tell({
            sessionId,
            trigger: { type: 'outcome', effect: body, effectId: id, outcome: outcome.event as E },
          });
          return;
        }
        const left = Math.max(0, (giveUpAtUs - this.#clock.nowUs()) / 1000);
        busy.cancel = this.#clock.after(Math.min(outcome.retryAfterMs, left), () =>
          this.#attempt(sessionId, watched, owed, attempt),
        );
      },
      (error: unknown) => {
        throw error; // a performer that throws is a defect: the process ends with it in the log
      },
    );
  }
}
