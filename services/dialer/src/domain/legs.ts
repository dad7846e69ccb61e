import type { sw } from '@ringback/contracts';
import { classify, type Verdict } from './causes.ts';
import type { LegBody } from './events.ts';
import type { Leg } from './model.ts';
import type { Turn } from './turn.ts';

const toNumber = (value: bigint): number => Number(value);

export function newLeg(
  fields: Pick<Leg, 'id' | 'role' | 'inbound' | 'switchId' | 'trunkId' | 'number' | 'attempt' | 'status' | 'createdUs'>,
): Leg {
  return {
    ...fields,
    commands: 0,
    progressUs: 0,
    answeredUs: 0,
    endedUs: 0,
    cutoffAtUs: 0,
    mayLiveUntilUs: 0,
    cause: '',
    q850: 0,
    sipStatus: 0,
    disposition: '',
    cutOff: false,
    endedBy: '',
    settlement: 'none',
    result: '',
    reason: '',
  };
}

/** Writes into the leg what the switch says of it. Repetitions change nothing. */
export function recordOnLeg(leg: Leg, atUs: number, body: LegBody): void {
  if (leg.status === 'ended') return;
  switch (body.$case) {
    case 'progress':
      leg.progressUs ||= atUs;
      leg.createdUs = toNumber(body.value.createdAtUs) || leg.createdUs;
      if (leg.status === 'dialling') leg.status = 'ringing';
      break;
    case 'answered':
      leg.answeredUs ||= atUs;
      leg.createdUs = toNumber(body.value.createdAtUs) || leg.createdUs;
      leg.status = 'up';
      leg.cutoffAtUs = toNumber(body.value.cutoffAtUs) || leg.cutoffAtUs;
      break;
    case 'cutoffSet':
      leg.cutoffAtUs = toNumber(body.value.cutoffAtUs);
      break;
    case 'ended':
      recordEnd(leg, atUs, body.value);
      break;
    case 'lost':
      leg.createdUs = toNumber(body.value.createdAtUs) || leg.createdUs;
      leg.answeredUs = toNumber(body.value.answeredAtUs) || leg.answeredUs;
      leg.endedUs = Math.max(leg.answeredUs, toNumber(body.value.lastAliveAtUs) || atUs);
      leg.cause ||= body.value.indeterminate ? 'INDETERMINATE' : 'LEG_LOST';
      leg.status = 'ended';
      break;
    default:
      break;
  }
}

/** Its switch was away and it was taken for lost; now its real end is told. */
export function correctEnd(leg: Leg, atUs: number, ended: sw.LegEnded): void {
  if (leg.settlement === 'none' && (leg.cause === 'LEG_LOST' || leg.cause === 'INDETERMINATE')) {
    recordEnd(leg, atUs, ended);
  }
}

function recordEnd(leg: Leg, atUs: number, ended: sw.LegEnded): void {
  leg.createdUs = toNumber(ended.createdAtUs) || leg.createdUs;
  leg.progressUs = toNumber(ended.progressAtUs) || leg.progressUs;
  leg.answeredUs = toNumber(ended.answeredAtUs) || leg.answeredUs;
  leg.endedUs = toNumber(ended.endedAtUs) || atUs;
  leg.cause = ended.cause;
  leg.q850 = ended.q850;
  leg.sipStatus = ended.sipStatus;
  leg.disposition = ended.disposition;
  leg.cutOff = ended.cutOff;
  leg.status = 'ended';
}

/**
 * Who hung up first in a conversation is told by whichever event comes first, and says nothing about the call: an answered
 * leg has a reason only where something other than a hang-up ended it.
 */
const HUNG_UP: readonly Leg['endedBy'][] = ['caller_left', 'dialogue'];

/** Settles a leg that has ended, by what it was; answers the verdict for one that was never answered. */
export function settleEnded(turn: Turn, leg: Leg): Verdict | undefined {
  if (leg.answeredUs > 0) {
    const endedBy = HUNG_UP.includes(leg.endedBy) ? '' : leg.endedBy;
    const reason = leg.cutOff ? 'cut_off' : leg.cause === 'LEG_LOST' ? 'switch_lost' : endedBy;
    turn.settle(leg, 'success', reason);
    return undefined;
  }
  const verdict = classify(leg);
  if (leg.cause === 'INDETERMINATE') turn.settle(leg, 'indeterminate', 'indeterminate');
  else if (leg.cause === 'LEG_LOST') turn.settle(leg, 'indeterminate', 'switch_lost');
  else if (leg.endedBy !== '') turn.settle(leg, 'cancelled', leg.endedBy);
  else turn.settle(leg, verdict.result, verdict.reason);
  return verdict;
}
