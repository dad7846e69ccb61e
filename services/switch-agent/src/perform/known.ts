import { sw } from '@ringback/contracts';
import { type Leg, newLeg } from '../core/leg.ts';
import { readTruth, type Truth } from '../switch/truth.ts';
import type { Context } from './context.ts';

const { LegState_State: State } = sw;

/** A leg the journal does not know (it was lost) but the switch does: it belongs to whoever asks for it. */
export async function adopt(context: Context, command: sw.Command): Promise<Leg | undefined> {
  const { esl, legs } = context;
  const truth = readTruth(await esl.api(`uuid_dump ${command.legId}`));
  if (!truth || truth.ending) return undefined;
  const bridged = truth.bond !== '' && (await esl.api(`uuid_exists ${truth.bond}`)) === 'true';
  const leg = newLeg({
    id: command.legId,
    sessionId: command.sessionId,
    shard: command.shard,
    // When it began nobody knows any more: it has no span, what happens on it is below the command's.
    traceparent: command.traceparent,
    origin: truth.offer ? 'inbound' : 'originate',
    core: truth.core,
    seen: true,
    createdUs: truth.createdUs,
    answeredUs: truth.answeredUs,
    parked: (truth.parked || truth.answered) && !bridged,
    touchedUs: context.nowUs(),
  });
  legs.apply({ leg, told: [] });
  return leg;
}

/** How a live leg stands. */
export function stateOf(leg: Leg | undefined, truth: Truth | undefined): sw.LegState {
  const answeredUs = leg?.answeredUs || truth?.answeredUs || 0;
  const bridged = leg?.bridge !== undefined || leg?.origin === 'bridge';
  return sw.LegState.fromPartial({
    state: answeredUs === 0 ? State.RINGING : bridged ? State.BRIDGED : State.PARKED,
    answeredAtUs: BigInt(answeredUs),
    bridgedTo: leg?.bridge?.legId ?? '',
  });
}
