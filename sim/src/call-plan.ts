import { Random } from './random.ts';

/** Access numbers of the simulated installation. */
export const ACCESS = {
  usual: '+48223000000',
  press1: '+48223000001',
  direct: '+48223000002',
  strangers: '+48223000003',
  /** Somebody else's. */
  foreign: '+48229999999',
} as const;
export type AccessName = keyof typeof ACCESS;

/** How a telephone that is called reacts. */
export interface Reaction {
  kind: 'answer' | 'busy' | 'no_answer' | 'reject' | 'congestion' | 'unallocated' | 'silent';
  progressUs: number;
  answerUs: number;
  /** Hangs up so long after its answer by itself. */
  leavesUs: number;
}

export interface Subscriber {
  number: string;
  /** Empty: nobody we know. */
  account: string;
  pin: string;
  balance: bigint;
  language: string;
  authorised: boolean;
  suspended: boolean;
}

/** One call as its caller wants it; out of the seed and its number alone. */
export interface CallPlan {
  index: number;
  atUs: number;
  access: AccessName;
  subscriber: Subscriber;
  hidden: boolean;
  diverted: boolean;
  trusted: boolean;
  /** Lets it ring so long. */
  ringsUs: number;
  /** Calls again so long after the first time. */
  againUs: readonly number[];
  /** Keys wrong PINs so often first. */
  wrongPins: number;
  /** Keys anything at any time. */
  nonsense: boolean;
  /** Says nothing to questions with this probability. */
  deaf: number;
  /** What is keyed for destinations, one after the other. */
  destinations: readonly string[];
  /** Hangs up so long after having answered. */
  patienceUs: number;
}

export interface PlanOptions {
  calls: number;
  /** How many calls there are at once, about. */
  concurrency: number;
  /** Mean length of a conversation, s. */
  talkSeconds: number;
}

const SECOND = 1_000_000;
/** A call without its conversations lasts about so long. */
const AROUND_SECONDS = 60;

/** Mean time between two calls, µs. */
const gapUs = ({ concurrency, talkSeconds }: PlanOptions): number =>
  ((AROUND_SECONDS + talkSeconds * 0.8) / concurrency) * SECOND;

export function planCalls(seed: Random, options: PlanOptions, startUs: number): CallPlan[] {
  const arrivals = seed.of('arrivals');
  let atUs = startUs + 20 * SECOND;
  return Array.from({ length: options.calls }, (_, index) => {
    atUs += arrivals.exponential(gapUs(options));
    return planCall(seed.of(`call ${index}`), index, atUs, options);
  });
}

function planCall(random: Random, index: number, atUs: number, { talkSeconds }: PlanOptions): CallPlan {
  return {
    index,
    atUs,
    access: random.weighted({ usual: 70, press1: 10, direct: 10, strangers: 9, foreign: 1 }),
    subscriber: planSubscriber(random, index),
    hidden: random.chance(0.03),
    diverted: random.chance(0.01),
    trusted: random.chance(0.9),
    ringsUs: random.chance(0.5) ? random.between(1, 11) * SECOND : 30 * SECOND,
    againUs: random.chance(0.12) ? [random.between(1, 40) * SECOND, random.between(1, 300) * SECOND] : [],
    wrongPins: random.chance(0.12) ? 1 + random.int(3) : 0,
    nonsense: random.chance(0.04),
    deaf: random.chance(0.08) ? 0.6 : 0.01,
    destinations: Array.from({ length: 1 + (random.chance(0.3) ? random.int(3) : 0) }, (_, n) =>
      destination(random, index, n),
    ),
    patienceUs: random.chance(0.15)
      ? random.between(1, 60) * SECOND
      : (120 + random.exponential(talkSeconds) * 3) * SECOND,
  };
}

/** Neighbours share an account now and then, and some telephones call again and again. */
function planSubscriber(random: Random, index: number): Subscriber {
  const regular = random.chance(0.06);
  const who = regular ? random.int(20) : 100 + index;
  const family = regular ? who : 100 + Math.floor(index / 2);
  const own = new Random(`subscriber ${family}`);
  const stranger = !regular && random.chance(0.04);
  return {
    number: `+486${String(10_000_000 + who)}`,
    account: stranger ? '' : `${1_000_000 + family}`,
    pin: String(1_000 + own.int(9_000)),
    balance: BigInt(own.pick([40_000, 400_000, 3_000_000, 20_000_000, 80_000_000])),
    language: own.pick(['en', 'pl']),
    authorised: random.chance(0.4),
    suspended: own.chance(0.01),
  };
}

function destination(random: Random, index: number, n: number): string {
  const kind = random.weighted({ number: 86, own: 2, blocked: 2, invalid: 3, star: 3, hash: 2, polish: 2 });
  switch (kind) {
    case 'number':
      return `0044${String(2_000_000_000 + index * 10 + n)}#`;
    case 'own':
      return `00${ACCESS.usual.slice(1)}#`;
    case 'blocked':
      return '00449011111111#';
    case 'invalid':
      return '0999#';
    case 'star':
      return '*';
    case 'hash':
      return '#11';
    case 'polish':
      return '601222333#';
  }
}

/** How somebody reacts when called for the n-th time. */
export function reaction(random: Random, role: 'a' | 'b', talkSeconds: number): Reaction {
  const weights =
    role === 'a'
      ? { answer: 84, busy: 5, no_answer: 5, reject: 2, congestion: 2, unallocated: 1, silent: 1 }
      : { answer: 74, busy: 7, no_answer: 7, reject: 3, congestion: 5, unallocated: 2, silent: 2 };
  return {
    kind: random.weighted(weights),
    progressUs: random.between(0.2, 3) * SECOND,
    answerUs: random.between(3, 20) * SECOND,
    leavesUs: role === 'a' ? Number.POSITIVE_INFINITY : random.exponential(talkSeconds) * SECOND,
  };
}
