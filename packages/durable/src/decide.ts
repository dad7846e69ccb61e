import type { Decision, Live, Machine, NewEffect, Owed, StepContext, Trigger } from './machine.ts';

const HISTORY_LIMIT = 200;

/** Applies one trigger to a session in memory. Pure but for the machine's own purity; throws what the step throws. */
export function applyStep<S, E, X>(
  machine: Machine<S, E, X>,
  live: Live<S, X> | undefined,
  trigger: Trigger<E, X>,
  context: StepContext,
  key: string,
): { live: Live<S, X>; decision: Decision<S, X> } {
  const decision = machine.step(live?.state, trigger, context);
  const before: Live<S, X> = live ?? {
    id: context.sessionId,
    shard: context.shard,
    key,
    state: decision.state,
    owed: [],
    timers: {},
    history: [],
    next: 1,
    closing: false,
    createdAtUs: context.nowUs,
  };
  const settled = trigger.type === 'outcome' || trigger.type === 'gaveUp' ? trigger.effectId : undefined;
  const kept = before.owed.filter(({ id }) => id !== settled).filter((owed) => !decision.cancel?.(owed));
  let { next } = before;
  const added = decision.effects.map((effect) => owe(effect, `${before.id}:${next++}`, context.nowUs));
  const timers = { ...before.timers };
  if (trigger.type === 'timer') delete timers[trigger.name];
  for (const [name, atUs] of Object.entries(decision.timers)) {
    if (atUs === undefined) delete timers[name];
    else timers[name] = atUs;
  }
  const history = decision.history ? [...before.history, decision.history].slice(-HISTORY_LIMIT) : before.history;
  return {
    live: {
      ...before,
      state: decision.state,
      owed: [...kept, ...added],
      timers: decision.closed ? {} : timers,
      history,
      next,
      closing: decision.closed,
    },
    decision,
  };
}

function owe<X>(effect: NewEffect<X>, id: string, nowUs: number): Owed<X> {
  return {
    id,
    lane: effect.lane,
    body: effect.body,
    giveUpAtUs: nowUs + effect.giveUpAfterMs * 1000,
  };
}
