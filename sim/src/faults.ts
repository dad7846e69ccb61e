import type { Random } from './random.ts';

/** One thing that goes wrong. */
export interface Fault {
  id: number;
  atUs: number;
  kind: FaultKind;
  /** Which dialer, agent, switch or service, as a number. */
  target: number;
  forUs: number;
  /** How much, 0 … 1; what it means depends on the kind. */
  amount: number;
}

export const FAULTS = {
  dialer_killed: 'a dialer is killed, and started again',
  dialer_killed_in_commit: 'a dialer is killed while its commit is under way',
  dialer_killed_after_commit: 'a dialer is killed when its commit was done, before it heard of it',
  dialer_killed_performing: 'a dialer is killed while it performs an effect',
  dialer_leaves: 'a dialer is shut down in order, and started again',
  dialer_stopped: 'a dialer is stopped, and goes on later: a zombie',
  dialer_clock: 'the wall clock of a dialer jumps',
  dialer_cut: 'a dialer does not reach NATS',
  database_away: 'PostgreSQL is away',
  commits_unknown: 'outcomes of commits are not told, done or not',
  agent_killed: 'an agent is killed: its journal ends at the last flush',
  agent_cut: 'an agent does not reach NATS',
  agent_stopped: 'an agent is stopped, and goes on later',
  switch_killed: 'a switch dies with all its calls',
  switch_clock: 'the wall clock of a switch jumps',
  nats_away: 'NATS is away',
  nats_tail: 'NATS restarts without what it had not flushed',
  nats_renewed: 'the event stream is lost and made anew',
  bus_mishaps: 'messages are lost, doubled, late',
  garbage: 'somebody publishes nonsense on the event stream',
  billing_away: 'billing is away',
  auth_away: 'auth is away',
  ivr_away: 'ivr is away',
  questions_lost: 'questions and answers get lost',
  network_slow: 'the network is slow',
  operator_ends: 'an operator ends a session',
} as const;
export type FaultKind = keyof typeof FAULTS;

const SECOND = 1_000_000;

/** How long each lasts, s. */
const LASTS: Record<FaultKind, readonly [from: number, to: number]> = {
  dialer_killed: [0.5, 20],
  dialer_killed_in_commit: [0.5, 12],
  dialer_killed_after_commit: [0.5, 12],
  dialer_killed_performing: [0.5, 12],
  dialer_leaves: [1, 20],
  dialer_stopped: [3, 40],
  dialer_clock: [30, 600],
  dialer_cut: [1, 60],
  database_away: [1, 60],
  commits_unknown: [1, 20],
  agent_killed: [0.5, 40],
  agent_cut: [1, 120],
  agent_stopped: [1, 30],
  switch_killed: [2, 30],
  switch_clock: [60, 600],
  nats_away: [1, 60],
  nats_tail: [0, 0],
  nats_renewed: [0, 0],
  bus_mishaps: [5, 60],
  garbage: [0, 0],
  billing_away: [1, 60],
  auth_away: [1, 60],
  ivr_away: [1, 60],
  questions_lost: [5, 60],
  network_slow: [5, 60],
  operator_ends: [0, 0],
};

/** Faults of one world: of a few kinds only, so that each kind is met alone as well as with any other. */
export function planFaults(random: Random, fromUs: number, toUs: number, meanGapUs: number): Fault[] {
  const all = Object.keys(FAULTS) as FaultKind[];
  const share = random.pick([0.15, 0.35, 0.7, 1]);
  const some = all.filter(() => random.chance(share));
  const kinds = some.length > 0 ? some : all;
  const faults: Fault[] = [];
  for (let atUs = fromUs + random.exponential(meanGapUs); atUs < toUs; atUs += random.exponential(meanGapUs)) {
    const kind = random.pick(kinds);
    const [from, to] = LASTS[kind];
    faults.push({
      id: faults.length,
      atUs,
      kind,
      target: random.int(1_000),
      forUs: random.between(from, to) * SECOND,
      amount: random.float(),
    });
  }
  return faults;
}
