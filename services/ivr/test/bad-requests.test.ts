import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ivr } from '@ringback/contracts';
import { StepError } from '../src/dialogue/errors.ts';
import { step } from '../src/dialogue/step.ts';
import type { Event } from '../src/dialogue/moves.ts';
import {
  accepted,
  askFailed,
  balance,
  Conversation,
  ended,
  keyed,
  pinOk,
  played,
  refused,
  start,
  VOICES,
} from './conversation.ts';

const { Collected_Outcome: Input, PinResult_Outcome: Pin, Reason } = ivr;

const after = (...events: Event[]): string => {
  const conversation = new Conversation();
  for (const event of events) conversation.tell(event);
  return conversation.state;
};
const asking = after(start({ authorised: true }));
const changed = (change: object): string => JSON.stringify({ ...(JSON.parse(asking) as object), ...change });
const collected = (value: Partial<ivr.Collected>): Event => ({
  $case: 'collected',
  value: ivr.Collected.fromPartial(value),
});
const nonsense = 'UNRECOGNIZED' as const;

const REFUSALS: [string, string, Event | undefined, string, RegExp][] = [
  ['no event', asking, undefined, 'event', /is missing/],
  ['no state', '', keyed('1'), 'state', /a dialogue begins with start/],
  ['a start in mid-dialogue', asking, start(), 'state', /must be empty with start/],
  ['a state that is not JSON', '{', keyed('1'), 'state', /is not JSON/],
  ['a state that is no object', '7', keyed('1'), 'state', /is not a state/],
  ['a state of another version', changed({ v: 2 }), keyed('1'), 'state', /has version 2, known is 1/],
  ['a state from nowhere', changed({ at: 'heaven' }), keyed('1'), 'state', /no proper "at"/],
  ['a state with a negative count', changed({ tries: -1 }), keyed('1'), 'state', /no proper "tries"/],
  ['a state with half a balance', changed({ balance: {} }), keyed('1'), 'state', /no proper "balance"/],
  ['a state with more in it', changed({ pin: '1234' }), keyed('1'), 'state', /has "pin", which is not known/],
  ['a state in a language that is gone', changed({ lang: 'tlh' }), keyed('1'), 'state', /speaks "tlh"/],
  ['an event that does not fit', asking, ended(Reason.BUSY), 'event', /leg_b_ended does not fit .* "destination"/],
  ['played, which nobody waits for', asking, played(), 'event', /played does not fit/],
  ['mode', '', start({ mode: 'sms' }), 'start.mode', /callback or direct/],
  ['language', '', start({ language: 'e n' }), 'start.language', /BCP 47/],
  ['authorised', '', start({ accountKnown: false, authorised: true }), 'start.authorised', /account_known/],
  ['start balance', '', start({ balance: { micros: 1n, currency: 'euro' } }), 'start.balance.currency', /ISO 4217/],
  ['end code', '', start({ endCode: 'x' }), 'start.end_code', /0-9/],
  ['no outcome', asking, collected({}), 'collected.outcome', /is missing/],
  ['outcome', asking, collected({ outcome: nonsense }), 'collected.outcome', /is not known/],
  ['digits', asking, collected({ outcome: Input.COMPLETE, digits: '12x' }), 'collected.digits', /0-9/],
  ['both', asking, collected({ outcome: Input.COMPLETE, digits: '1', sealed: true }), 'collected.digits', /sealed/],
  ['pin outcome', asking, pinOk({ outcome: Pin.UNSPECIFIED }), 'pin_result.outcome', /is missing/],
  ['pin language', asking, pinOk({ language: '?' }), 'pin_result.language', /BCP 47/],
  ['pin balance', asking, pinOk({ balance: { micros: 1n, currency: '' } }), 'pin_result.balance.currency', /ISO 4217/],
  ['no time', asking, accepted(0), 'destination_result.max_seconds', /at least 1/],
  ['refused', asking, refused(nonsense), 'destination_result.refused', /is not known/],
  [
    'no balance',
    asking,
    { $case: 'balanceResult', value: { balance: undefined } },
    'balance_result.balance',
    /is missing/,
  ],
  ['reason', asking, ended(Reason.UNSPECIFIED), 'leg_b_ended.reason', /is missing/],
];

describe('a request that makes no sense is refused, with its field', () => {
  for (const [name, state, event, field, message] of REFUSALS) {
    test(name, () => {
      assert.throws(
        () => step(state, event, VOICES),
        (error) => error instanceof StepError && error.field === field && message.test(error.message),
      );
    });
  }
});

test('in every place, whatever does not fit is refused', () => {
  const events = {
    keyed: keyed('1'),
    pinOk: pinOk(),
    accepted: accepted(9),
    balance: balance(),
    ended: ended(Reason.BUSY),
    askFailed: askFailed(),
  };
  const fitting: Record<string, string[]> = {
    confirm: ['keyed'],
    account: ['keyed'],
    pin: ['keyed'],
    verifying: ['pinOk', 'askFailed'],
    destination: ['keyed'],
    resolving: ['accepted', 'askFailed'],
    balance: ['balance', 'askFailed'],
    dialling: ['ended', 'askFailed'],
    over: [],
  };
  for (const [at, fits] of Object.entries(fitting)) {
    for (const [name, event] of Object.entries(events)) {
      const go = () => step(changed({ at }), event, VOICES);
      if (fits.includes(name)) assert.doesNotThrow(go, `${name} at ${at}`);
      else assert.throws(go, StepError, `${name} at ${at}`);
    }
  }
});
