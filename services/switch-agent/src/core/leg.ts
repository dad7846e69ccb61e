import type { sw } from '@ringback/contracts';
import { q850Of } from './causes.ts';
import { CUT_OFF } from './dial.ts';
import type { EndData, SwitchFact } from './facts.ts';

/** Who made the leg: an Originate, a Bridge, or a caller. */
export type LegOrigin = 'originate' | 'bridge' | 'inbound';
export type LegRole = 'trigger' | 'a' | 'b';

/**
 * What the agent knows of one leg; kept in the journal, so it is plain JSON. Times are epoch µs (0: did not happen) by
 * the switch's clock.
 */
export interface Leg {
  id: string;
  /** Empty for an inbound leg until a command names its session. */
  sessionId: string;
  shard: number;
  /** Of the leg's own span, which lasts as long as the leg: what happens on it is below. */
  traceparent: string;
  /** Of the span it is below: the command's, or the edge's; empty: none. */
  parent: string;
  role: LegRole;
  /** Trunk it came in or went out by. */
  trunkId: string;
  /** When it was journalled. */
  begunUs: number;
  /** When the edge had an inbound call; 0: it does not say. */
  receivedUs: number;
  origin: LegOrigin;
  /** Command its outcome belongs to: Originate, Bridge or Answer. */
  originCommand: string;
  /** Core-UUID of the switch it lives on. */
  core: string;
  /** The switch has told of its channel. */
  seen: boolean;
  createdUs: number;
  progressUs: number;
  earlyMedia: boolean;
  answeredUs: number;
  /** Paid-for seconds from the answer on. */
  cutoffSeconds: number;
  /** When the switch ends it by itself. */
  cutoffAtUs: number;
  /** Epoch second of the task that a SetCutoff asked for; 0: none. */
  wantedRuntime: number;
  /** Its scheduled hang-ups by Task-ID. */
  tasks: { id: string; runtime: number }[];
  parked: boolean;
  bridge: { commandId: string; legId: string; endCode: string } | undefined;
  ended: boolean;
  /** When it ended, or was last changed. */
  touchedUs: number;
}

export function newLeg(fields: Pick<Leg, 'id' | 'sessionId' | 'shard' | 'traceparent' | 'origin'> & Partial<Leg>): Leg {
  return {
    parent: '',
    role: fields.origin === 'bridge' ? 'b' : 'a',
    trunkId: '',
    begunUs: 0,
    receivedUs: 0,
    originCommand: '',
    core: '',
    seen: false,
    createdUs: 0,
    progressUs: 0,
    earlyMedia: false,
    answeredUs: 0,
    cutoffSeconds: 0,
    cutoffAtUs: 0,
    wantedRuntime: 0,
    tasks: [],
    parked: false,
    bridge: undefined,
    ended: false,
    touchedUs: 0,
    ...fields,
  };
}

export type Body = NonNullable<sw.Event['body']>;

/** Something to be told of a leg. */
export interface Told {
  legId: string;
  atUs: number;
  commandId: string;
  body: Body;
}

/** What has to be done on the switch now. */
export type Act =
  /** A scheduled hang-up that is not the wanted one. */
  | { do: 'delete_task'; id: string }
  /** It was given up before it began: nobody's telephone may ring for it any more. */
  | { do: 'kill' }
  /** The digits of a bridge must not be taken for input. */
  | { do: 'clear_digits' }
  /** Keys come as tones in the audio: they have to be listened for. */
  | { do: 'hear_tones' }
  /** The bridge is over and B's end was never told: was there a B? */
  | { do: 'look_for'; legId: string; end: EndData; commandId: string };

export interface Turn {
  leg: Leg;
  told: Told[];
  acts: Act[];
}

type On<K extends SwitchFact['is']> = Extract<SwitchFact, { is: K }>;
type Rule<K extends SwitchFact['is']> = (leg: Leg, fact: On<K>) => Partial<Turn>;

const SECOND_US = 1_000_000;

/** What each fact does to a leg that has not ended. A fact told twice changes nothing the second time. */
const RULES: { [K in SwitchFact['is']]: Rule<K> } = {
  created: (leg, { atUs, core }) => (leg.seen ? {} : { leg: { ...leg, seen: true, createdUs: atUs, core } }),

  progress(leg, { atUs, earlyMedia }) {
    if (leg.origin === 'inbound' || leg.answeredUs > 0) return {};
    if (leg.progressUs > 0 && (!earlyMedia || leg.earlyMedia)) return {};
    return {
      leg: { ...leg, progressUs: leg.progressUs || atUs, earlyMedia },
      told: [
        tell(leg, atUs, leg.originCommand, {
          $case: 'progress',
          value: { earlyMedia, createdAtUs: BigInt(leg.createdUs) },
        }),
      ],
    };
  },

  answered(leg, { atUs, tones }) {
    if (leg.answeredUs > 0) return {};
    const cutoffAtUs = leg.cutoffAtUs || atUs + leg.cutoffSeconds * SECOND_US;
    const next = { ...leg, answeredUs: atUs, cutoffAtUs };
    const told = [
      tell(leg, atUs, leg.originCommand, {
        $case: 'answered',
        value: { cutoffAtUs: BigInt(cutoffAtUs), createdAtUs: BigInt(leg.createdUs) },
      }),
    ];
    // An inbound leg has been parked since it rang.
    if (leg.parked) told.push(tell(leg, atUs, leg.originCommand, { $case: 'parked', value: {} }));
    // Only the caller keys anything for us.
    return { leg: next, told, ...(tones && leg.origin !== 'bridge' ? { acts: [{ do: 'hear_tones' }] } : {}) };
  },

  parked(leg, { atUs }) {
    if (leg.parked) return {};
    const next = { ...leg, parked: true };
    if (leg.answeredUs === 0) return { leg: next };
    return { leg: next, told: [tell(leg, atUs, leg.originCommand, { $case: 'parked', value: {} })] };
  },

  executed(leg, { atUs, app, commandId, alive, end }) {
    if (app !== 'bridge' || leg.bridge?.commandId !== commandId) return {};
    const { legId } = leg.bridge;
    const next = { ...leg, bridge: undefined, parked: alive };
    const look: Act = { do: 'look_for', legId, end, commandId };
    if (!alive) return { leg: next, acts: [look] };
    return {
      leg: next,
      told: [tell(leg, atUs, commandId, { $case: 'parked', value: {} })],
      acts: [{ do: 'clear_digits' }, look],
    };
  },

  end_code(leg, { atUs }) {
    if (!leg.bridge) return {};
    return { told: [tell(leg, atUs, leg.bridge.commandId, { $case: 'endCode', value: {} })] };
  },

  task_added(leg, { taskId, runtime }) {
    if (leg.tasks.some(({ id }) => id === taskId)) return {};
    const superseded = leg.wantedRuntime > 0 && runtime !== leg.wantedRuntime;
    return {
      leg: { ...leg, tasks: [...leg.tasks, { id: taskId, runtime }] },
      acts: superseded ? [{ do: 'delete_task', id: taskId }] : [],
    };
  },

  task_gone(leg, { taskId }) {
    if (!leg.tasks.some(({ id }) => id === taskId)) return {};
    return { leg: { ...leg, tasks: leg.tasks.filter(({ id }) => id !== taskId) } };
  },

  ended(leg, { atUs, end }) {
    const createdAtUs = leg.createdUs || end.createdUs;
    const answeredAtUs = leg.answeredUs || end.answeredUs;
    const endedAtUs = Math.max(end.endedUs || atUs, answeredAtUs, createdAtUs);
    // Our limit on the wait for an answer, after early media, ends it like a cut-off (switch_ivr_bridge.c).
    const unanswered = answeredAtUs === 0 && leg.origin !== 'inbound' && end.cause === CUT_OFF;
    const cause = unanswered ? 'NO_ANSWER' : end.cause;
    const acts: Act[] = leg.bridge
      ? [{ do: 'look_for', legId: leg.bridge.legId, end, commandId: leg.bridge.commandId }]
      : [];
    return {
      leg: { ...leg, ended: true, parked: false, bridge: undefined, tasks: [], answeredUs: answeredAtUs },
      told: [
        tell(leg, endedAtUs, leg.originCommand, {
          $case: 'ended',
          value: {
            cause,
            q850: unanswered ? q850Of(cause) : end.q850,
            sipStatus: answeredAtUs > 0 ? 0 : end.sipStatus,
            disposition: end.disposition,
            createdAtUs: BigInt(createdAtUs),
            progressAtUs: BigInt(leg.progressUs || end.progressUs),
            answeredAtUs: BigInt(answeredAtUs),
            endedAtUs: BigInt(endedAtUs),
            cutOff: answeredAtUs > 0 && cause === CUT_OFF,
          },
        }),
      ],
      acts,
    };
  },

  digit: () => ({}),
};

const tell = (leg: Leg, atUs: number, commandId: string, body: Body): Told => ({
  legId: leg.id,
  atUs,
  commandId,
  body,
});

/** One fact about one leg. Pure; whatever has ended stays so. */
export function onFact(leg: Leg, fact: SwitchFact): Turn {
  // An order that a silent switch took in, and that was performed when all had given it up.
  if (leg.ended && !leg.seen && fact.is === 'created')
    return { leg: { ...leg, seen: true }, told: [], acts: [{ do: 'kill' }] };
  if (leg.ended) return { leg, told: [], acts: [] };
  const rule = RULES[fact.is] as Rule<SwitchFact['is']>;
  const { leg: next = leg, told = [], acts = [] } = rule(leg, fact);
  return { leg: next === leg ? leg : { ...next, touchedUs: Math.max(leg.touchedUs, fact.atUs) }, told, acts };
}

/** The leg ended at a moment nobody knows. */
export function lose(leg: Leg, lastAliveUs: number, indeterminate: boolean): Turn {
  if (leg.ended) return { leg, told: [], acts: [] };
  const atUs = Math.max(lastAliveUs, leg.answeredUs, leg.createdUs);
  return {
    leg: { ...leg, ended: true, parked: false, bridge: undefined, tasks: [], touchedUs: atUs },
    told: [
      tell(leg, atUs, leg.originCommand, {
        $case: 'lost',
        value: {
          lastAliveAtUs: BigInt(atUs),
          createdAtUs: BigInt(leg.createdUs),
          answeredAtUs: BigInt(leg.answeredUs),
          indeterminate,
        },
      }),
    ],
    acts: [],
  };
}
