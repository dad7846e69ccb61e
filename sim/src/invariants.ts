/** What must hold whatever happens, by the names the design gives. */
export const INVARIANTS = {
  one_outcome: 'each trigger ends in exactly one outcome',
  one_dial: 'no telephone is dialled twice at once, no leg twice at all',
  money: 'spent ≤ held ≤ balance, and every transfer balances',
  one_settlement: 'every leg has one CDR, every answered one is settled for what it lasted',
  no_hold_left: 'no hold outlives its session',
  not_stuck: 'no session is stuck without a timer, and each comes to its end',
  once: 'every event is applied once, in order',
  no_zombie: 'a stale owner can do nothing',
  not_late: 'nothing is begun after its time',
  committed_first: 'nothing outside hears of a step before it is committed',
  alive: 'no process ends by itself, no event makes a step throw',
} as const;
export type Invariant = keyof typeof INVARIANTS;

/** The first thing that must not be. */
export class Broken extends Error {
  override readonly name = 'Broken';
  readonly invariant: Invariant;
  readonly sessionId: string;
  readonly legId: string;
  readonly number: string;
  readonly atUs: number;

  constructor(
    invariant: Invariant,
    words: string,
    about: { sessionId?: string; legId?: string; number?: string; atUs: number },
  ) {
    super(words);
    this.invariant = invariant;
    this.sessionId = about.sessionId ?? '';
    this.legId = about.legId ?? '';
    this.number = about.number ?? '';
    this.atUs = about.atUs;
  }
}

export type About = { sessionId?: string; legId?: string; number?: string };
export type Report = (invariant: Invariant, words: string, about?: About) => void;
