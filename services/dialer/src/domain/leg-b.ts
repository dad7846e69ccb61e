import { billing, ivr } from '@ringback/contracts';
import { formatForTrunk } from '@ringback/numbering';
import { classify } from './causes.ts';
import { refuse, step } from './dialogue.ts';
import { QUOTE_REASONS, remember, scheduleExtension } from './leg-a.ts';
import { newLeg, settleEnded } from './legs.ts';
import type { Leg } from './model.ts';
import { credentialsOf } from './trunk-credentials.ts';
import type { Turn } from './turn.ts';

const { Reason } = ivr;
const Outcome = billing.ReserveResponse_Outcome;
const SECOND = 1_000_000;
/** The switch's own work between two attempts, and what the wait of a whole-second timer may be late. */
const ATTEMPT_SLACK_US = 3 * SECOND;

/** A outlives B by this, paid for: the caller is told why the conversation ended. */
const AFTERWORD_US = 15 * SECOND;

/** Policy, then one quote that holds for both legs. */
export function quoteDestination(turn: Turn, number: string): void {
  const { s, directory, settings } = turn;
  const refusal = refusalOf(turn, number);
  const trunks = directory.trunksFor(number).map(({ id }) => id);
  const [trunkId = ''] = trunks;
  if (refusal || trunkId === '') {
    const leg = makeB(turn, number, trunkId, 1);
    turn.settle(leg, refusal ? 'refused' : 'unreachable', refusal?.reason ?? 'no_trunk');
    s.b = '';
    refuse(turn, refusal?.spoken ?? Reason.UNREACHABLE);
    return;
  }
  const attempts = trunks.length;
  const leadUs =
    settings.answerTimeoutSeconds * SECOND +
    (attempts - 1) * settings.progressTimeoutSeconds * SECOND +
    attempts * ATTEMPT_SLACK_US +
    AFTERWORD_US;
  s.destination = { number, trunks: trunks.slice(1), maxUs: 0, leadUs, attempt: 1 };
  const b = makeB(turn, number, trunkId, 1);
  turn.reserve('leg_b', [turn.quoted(turn.a!, leadUs), turn.quoted(b)], settings.quoteCapMs);
}

function refusalOf({ directory }: Turn, number: string): { spoken: ivr.Reason; reason: string } | undefined {
  if (directory.own(number)) return { spoken: Reason.OWN_NUMBER, reason: 'own_number' };
  if (directory.denied(number)) return { spoken: Reason.BLOCKED, reason: 'denied_range' };
  return undefined;
}

function makeB(turn: Turn, number: string, trunkId: string, attempt: number): Leg {
  const { s, now } = turn;
  const leg = newLeg({
    id: turn.context.newId(),
    role: 'b',
    inbound: false,
    switchId: turn.a?.switchId ?? '',
    trunkId,
    number,
    attempt,
    status: 'new',
    createdUs: now,
  });
  s.legs.push(leg);
  s.b = leg.id;
  return leg;
}

/** The quote for both legs came. */
export function reservedLegB(turn: Turn, answer: billing.ReserveResponse, failover: boolean): void {
  const { s, b } = turn;
  if (!b || b.status !== 'new' || !s.destination) return;
  const seconds = Math.floor(Number(answer.maxUs) / SECOND);
  if (answer.outcome !== Outcome.OK || seconds < 1) {
    const reason = answer.outcome === Outcome.OK ? 'no_credit' : QUOTE_REASONS[answer.outcome];
    turn.settle(b, reason ? 'refused' : 'platform_error', reason ?? answer.outcome.toLowerCase());
    s.b = '';
    s.phase = 'talking';
    const spoken = reason === 'no_credit' ? Reason.NO_CREDIT : reason === 'blocked' ? Reason.BLOCKED : Reason.FAILED;
    if (failover) step(turn, { $case: 'legBEnded', value: { reason: spoken } });
    else refuse(turn, spoken);
    return;
  }
  remember(turn, answer);
  s.destination.maxUs = seconds * SECOND;
  s.paidUntilUs = turn.now + s.destination.leadUs + seconds * SECOND;
  if (failover) bridge(turn);
  else {
    step(turn, {
      $case: 'destinationResult',
      value: { refused: Reason.UNSPECIFIED, maxSeconds: seconds, capped: answer.capped },
    });
  }
}

/** The caller has heard how long; B is dialled from A. */
export function bridge(turn: Turn): void {
  const { s, a, b, directory, settings } = turn;
  const { destination } = s;
  const trunk = b && directory.trunk(b.trunkId);
  if (!a || !b || b.status !== 'new' || !destination || !trunk) {
    step(turn, { $case: 'legBEnded', value: { reason: Reason.FAILED } });
    return;
  }
  s.phase = 'dialling_b';
  s.aParked = false;
  b.status = 'dialling';
  b.createdUs = turn.now;
  turn.timer('extend', undefined);
  // A outlives B: it is paid for the longest ringing and the whole conversation.
  turn.command(a, { kind: 'setCutoff', atUs: s.paidUntilUs });
  turn.command(a, {
    kind: 'bridge',
    bLegId: b.id,
    dial: {
      toUser: formatForTrunk(b.number, trunk.numberFormat),
      gateway: trunk.gateway,
      trunkId: trunk.id,
      callerId: formatForTrunk(
        trunk.forwardCallerId && s.callerId !== '' ? s.callerId : s.access.number,
        trunk.numberFormat,
      ),
      cutoffSeconds: Math.floor(destination.maxUs / SECOND),
      answerTimeoutSeconds: settings.answerTimeoutSeconds,
      progressTimeoutSeconds: destination.trunks.length > 0 ? settings.progressTimeoutSeconds : 0,
      ...credentialsOf(trunk),
    },
    endCode: s.access.endCode,
    ringbackCountry: s.account?.country ?? '',
  });
  turn.watch();
}

/** B answered: the wait is over, so the quote is made again, and only ever upwards. */
export function answeredB(turn: Turn): void {
  const { s, a, b, settings } = turn;
  if (!a || !b || s.phase !== 'dialling_b') return;
  s.phase = 'connected';
  s.paidUntilUs = b.cutoffAtUs;
  scheduleLimits(turn);
  turn.watch();
  turn.reserve('answered', [turn.quoted(a, AFTERWORD_US), turn.quoted(b)], settings.quoteCapMs);
}

/** Warns before the credit's end; extends before a mere cap's. */
function scheduleLimits(turn: Turn): void {
  const { s, now, settings } = turn;
  scheduleExtension(turn);
  const warnAt = s.paidUntilUs - settings.warnLeadMs * 1000;
  turn.timer('warn', s.capped || warnAt <= now ? undefined : warnAt);
}

/** A later quote of running legs: the cut-off moves if there is more. */
export function requoted(turn: Turn, answer: billing.ReserveResponse): void {
  const { s, a, b } = turn;
  if (!a || a.status !== 'up') return;
  const connected = s.phase === 'connected' && b?.status === 'up';
  if (answer.outcome !== Outcome.OK) {
    // Nothing more to be had: what is paid for stands, and so does its cut-off.
    s.capped = false;
    if (connected) scheduleLimits(turn);
    return;
  }
  const untilUs = turn.now + Math.floor(Number(answer.maxUs) / SECOND) * SECOND;
  s.capped = answer.capped;
  if (untilUs > s.paidUntilUs + SECOND / 2) {
    s.paidUntilUs = untilUs;
    const aUntilUs = connected ? untilUs + AFTERWORD_US : untilUs;
    if (aUntilUs > a.cutoffAtUs) turn.command(a, { kind: 'setCutoff', atUs: aUntilUs });
    if (connected && b) turn.command(b, { kind: 'setCutoff', atUs: untilUs });
  }
  if (connected) scheduleLimits(turn);
  else scheduleExtension(turn);
}

/** Time to ask for more. */
export function extend(turn: Turn): void {
  const { s, a, b, settings } = turn;
  if (!a || a.status !== 'up') return;
  if (s.phase === 'connected' && b?.status === 'up') {
    turn.reserve('extend', [turn.quoted(a, AFTERWORD_US), turn.quoted(b)], settings.quoteCapMs);
  } else if (s.phase === 'talking' && s.b === '') {
    turn.reserve('extend', [turn.quoted(a)], settings.legAChunkMs);
  }
}

/** #11: the conversation (or the ringing) ends, the caller stays. */
export function endCode(turn: Turn): void {
  const { s, b } = turn;
  if (b && (s.phase === 'connected' || s.phase === 'dialling_b')) turn.hangup(b, 'NORMAL_CLEARING', 'end_code');
}

/** B is over and A is back: another trunk, or the next destination. */
export function afterB(turn: Turn): void {
  const { s, a, b } = turn;
  if (!b || b.status !== 'ended' || !s.aParked || a?.status !== 'up') return;
  if (s.phase !== 'dialling_b' && s.phase !== 'connected') return;
  turn.timer('warn', undefined);
  const verdict = settleEnded(turn, b);
  const { destination } = s;
  const over = verdict?.failover || (verdict?.reason === 'no_route' && turn.settings.failoverOnNoRoute);
  if (over && b.endedBy === '' && b.progressUs === 0 && destination && destination.trunks.length > 0) {
    return nextTrunk(turn, b);
  }
  s.b = '';
  s.destination = undefined;
  s.phase = 'talking';
  scheduleExtension(turn);
  step(turn, { $case: 'legBEnded', value: { reason: spokenReason(b) } });
}

function nextTrunk(turn: Turn, failed: Leg): void {
  const { s, a, settings } = turn;
  const destination = s.destination!;
  const [trunkId = '', ...rest] = destination.trunks;
  destination.trunks = rest;
  destination.attempt += 1;
  destination.leadUs =
    settings.answerTimeoutSeconds * SECOND +
    rest.length * settings.progressTimeoutSeconds * SECOND +
    ATTEMPT_SLACK_US +
    AFTERWORD_US;
  const b = makeB(turn, failed.number, trunkId, destination.attempt);
  turn.reserve('failover', [turn.quoted(a!, destination.leadUs), turn.quoted(b)], settings.quoteCapMs);
}

function spokenReason(b: Leg): ivr.Reason {
  if (b.answeredUs > 0) return b.cutOff ? Reason.CREDIT_EXHAUSTED : Reason.NORMAL;
  if (b.endedBy === 'end_code') return Reason.NORMAL;
  return b.cause === 'LEG_LOST' || b.cause === 'INDETERMINATE' ? Reason.FAILED : classify(b).spoken;
}
