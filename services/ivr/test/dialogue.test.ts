import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ivr } from '@ringback/contracts';
import type { Event } from '../src/dialogue/moves.ts';
import {
  accepted,
  askFailed,
  balance,
  Conversation,
  ended,
  FIVE_EUROS,
  hash,
  keyed,
  keyedSlowly,
  nothing,
  pin,
  pinIs,
  pinOk,
  playFailed,
  refused,
  start,
} from './conversation.ts';

const { PinResult_Outcome: Pin, Reason } = ivr;
type Story = readonly (readonly [Event, string])[];

const BALANCE = 'your_balance_is n5 euro_other';
const HINT = 'to_end_a_call_press hash n1 n1';
const DESTINATION = 'collect 20#*';
const NEXT = `ask_next_destination → ${DESTINATION}`;
const AFTER = `${NEXT} flush`;
const NUMBER = '00442079460000';

const known = start({ balance: FIVE_EUROS });
const authorised = start({ balance: FIVE_EUROS, authorised: true });
const dialled: Story = [
  [authorised, `ask_destination → ${DESTINATION}`],
  [keyed(NUMBER), `→ ask destination ${NUMBER}`],
  [accepted(1054), 'you_can_talk_for n17 minute_other → dial'],
];

function tell(stories: Record<string, Story>): void {
  for (const [name, story] of Object.entries(stories)) {
    test(name, () => {
      const conversation = new Conversation();
      for (const [index, [event, expected]] of story.entries()) {
        assert.equal(conversation.tell(event), expected, `step ${index + 1}: ${event.$case}`);
      }
    });
  }
}

describe('who calls', () => {
  tell({
    'known, callback: balance, then PIN, then the destination': [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [pin(), '→ ask verifyPin'],
      [pinOk({ callerIdSaved: true }), `caller_id_saved ask_destination ${HINT} → ${DESTINATION}`],
    ],
    'known, callback, no balance at hand: it is told after the PIN': [
      [start(), 'welcome ask_pin → collect 12# secret'],
      [pin(), '→ ask verifyPin'],
      [pinOk(), `${BALANCE} ask_destination ${HINT} → ${DESTINATION}`],
    ],
    'known, direct: PIN before balance': [
      [start({ mode: 'direct', balance: FIVE_EUROS }), 'welcome_direct ask_pin → collect 12# secret'],
      [pin(), '→ ask verifyPin'],
      [pinOk(), `${BALANCE} ask_destination ${HINT} → ${DESTINATION}`],
    ],
    'unknown: account number, PIN, and only then the balance': [
      [start({ accountKnown: false }), 'welcome ask_account → collect 12#'],
      [keyed('1001'), 'ask_pin → collect 12# secret 1001'],
      [pin(), '→ ask verifyPin 1001'],
      [pinOk({ callerIdSaved: true }), `caller_id_saved ${BALANCE} ask_destination ${HINT} → ${DESTINATION}`],
    ],
    'authorised: straight to the destination': [[authorised, `ask_destination → ${DESTINATION}`]],
    'authorised, direct: the same': [[start({ mode: 'direct', authorised: true }), `ask_destination → ${DESTINATION}`]],
    'no end code, no hint': [
      [start({ endCode: '' }), 'welcome ask_pin → collect 12# secret'],
      [pin(), '→ ask verifyPin'],
      [pinOk({ balance: undefined }), `ask_destination → ${DESTINATION}`],
    ],
    'press one: nothing personal before it': [
      [start({ balance: FIVE_EUROS, confirm: true }), 'confirm_callback → collect 1'],
      [keyed('5'), 'confirm_callback_again → collect 1'],
      [keyed('1'), `welcome ${BALANCE} ask_pin → collect 12# secret`],
    ],
    'press one, authorised': [
      [start({ authorised: true, confirm: true }), 'confirm_callback → collect 1'],
      [keyed('1'), `ask_destination → ${DESTINATION}`],
    ],
    'a machine presses nothing': [
      [start({ balance: FIVE_EUROS, confirm: true }), 'confirm_callback → collect 1'],
      [nothing(), 'confirm_callback_again → collect 1'],
      [nothing(), '→ goodbye machine'],
    ],
  });

  test('the account speaks its language from the PIN on', () => {
    const conversation = new Conversation();
    conversation.tell(start({ language: 'en-GB', mode: 'direct' }));
    conversation.tell(pin());
    assert.equal(
      conversation.tell(pinOk({ language: 'pl-PL', balance: { micros: 22_000_000n, currency: 'PLN' } })),
      'pl/your_balance_is pl/n22 pl/zloty_few pl/ask_destination pl/to_end_a_call_press pl/hash pl/n1 pl/n1 → collect 20#*',
    );
  });

  test('a language that is not there, or not known: the fallback', () => {
    for (const language of ['tlh', '']) assert.match(new Conversation().tell(start({ language })), /^welcome/);
  });
});

describe('the PIN', () => {
  tell({
    'wrong twice, then right': [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.WRONG), 'wrong_pin two_tries_left ask_pin → collect 12# secret flush'],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.WRONG), 'wrong_pin one_try_left ask_pin → collect 12# secret flush'],
      [pin(), '→ ask verifyPin'],
      [pinOk(), `ask_destination ${HINT} → ${DESTINATION}`],
    ],
    'wrong three times': [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.WRONG), 'wrong_pin two_tries_left ask_pin → collect 12# secret flush'],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.WRONG), 'wrong_pin one_try_left ask_pin → collect 12# secret flush'],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.WRONG), 'pin_failed → goodbye pin_failed'],
    ],
    'unknown caller, wrong: the account number may be it': [
      [start({ accountKnown: false }), 'welcome ask_account → collect 12#'],
      [keyed('9999'), 'ask_pin → collect 12# secret 9999'],
      [pin(), '→ ask verifyPin 9999'],
      [pinIs(Pin.WRONG), 'wrong_account_or_pin two_tries_left ask_account → collect 12# flush'],
      [keyed('1001'), 'ask_pin → collect 12# secret 1001'],
      [pin(), '→ ask verifyPin 1001'],
      [pinOk(), `${BALANCE} ask_destination ${HINT} → ${DESTINATION}`],
    ],
    locked: [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.LOCKED), 'pin_locked → goodbye locked'],
    ],
    suspended: [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.SUSPENDED), 'account_suspended → goodbye locked'],
    ],
    'nothing keyed': [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [nothing(), 'ask_pin_again → collect 12# secret'],
      [hash(), 'ask_pin_again → collect 12# secret'],
      [nothing(), 'no_input_goodbye → goodbye no_input'],
    ],
    'no account number keyed': [
      [start({ accountKnown: false }), 'welcome ask_account → collect 12#'],
      [nothing(), 'ask_account_again → collect 12#'],
      [hash(), 'ask_account_again → collect 12#'],
      [nothing(), 'no_input_goodbye → goodbye no_input'],
    ],
    'auth is away: asked again once': [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [pin(), '→ ask verifyPin'],
      [askFailed(), 'apology ask_pin → collect 12# secret flush'],
      [pin(), '→ ask verifyPin'],
      [askFailed(), 'technical_problem → goodbye failed'],
    ],
    'auth is away now and then': [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [pin(), '→ ask verifyPin'],
      [askFailed(), 'apology ask_pin → collect 12# secret flush'],
      [pin(), '→ ask verifyPin'],
      [pinIs(Pin.WRONG), 'wrong_pin one_try_left ask_pin → collect 12# secret flush'],
      [pin(), '→ ask verifyPin'],
      [pinOk(), `ask_destination ${HINT} → ${DESTINATION}`],
    ],
    'the line is dead': [
      [known, `welcome ${BALANCE} ask_pin → collect 12# secret`],
      [playFailed(), 'ask_pin_again → collect 12# secret'],
      [playFailed(), 'technical_problem → goodbye failed'],
    ],
  });
});

describe('the destination', () => {
  tell({
    'a call, then the next': [
      ...dialled,
      [ended(Reason.NORMAL), AFTER],
      [keyedSlowly('12'), '→ ask destination 12'],
      [accepted(59), 'you_can_talk_for n59 second_other → dial'],
    ],
    'the cap, not the balance, limits it': [
      ...dialled.slice(0, 2),
      [accepted(3600, true), 'you_can_talk_for_at_least n60 minute_other → dial'],
    ],
    'the balance on request': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [keyed('*'), '→ ask balance'],
      [balance(), `${BALANCE} ${NEXT}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
    ],
    'nothing keyed: asked twice more': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [nothing(), `ask_destination_again → ${DESTINATION}`],
      [nothing(), `ask_destination_last → ${DESTINATION}`],
      [nothing(), 'no_input_goodbye → goodbye no_input'],
    ],
    'nothing keyed after a call: it was a call that went well': [
      ...dialled,
      [ended(Reason.NORMAL), AFTER],
      [nothing(), `ask_destination_again → ${DESTINATION}`],
      [nothing(), `ask_destination_last → ${DESTINATION}`],
      [nothing(), 'no_input_goodbye → goodbye completed'],
    ],
    'a leading # is nothing': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [hash(), `→ ${DESTINATION}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
    ],
    'a leading # that is told as a digit, too': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [keyed(`#${NUMBER}`), `→ ask destination ${NUMBER}`],
    ],
    'nothing but #: as silence': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [hash(), `→ ${DESTINATION}`],
      [hash(), `ask_destination_again → ${DESTINATION}`],
    ],
    'an end code that comes late is no speed-dial code': [
      ...dialled,
      [ended(Reason.NORMAL), AFTER],
      [hash(), `→ ${DESTINATION}`],
      [keyedSlowly('11'), NEXT],
      [keyed('11'), '→ ask destination 11'],
    ],
    'an end code that comes late in one piece': [...dialled, [ended(Reason.NORMAL), AFTER], [keyedSlowly('#11'), NEXT]],
    'a star among the digits': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [keyed('48*22'), `invalid_number ${NEXT}`],
    ],
    'prompts cannot be played': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [playFailed(), `ask_destination_again → ${DESTINATION}`],
      [playFailed(), 'technical_problem → goodbye failed'],
    ],
    'a prompt cannot be played now and then': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [playFailed(), `ask_destination_again → ${DESTINATION}`],
      [keyed('*'), '→ ask balance'],
      [balance(), `${BALANCE} ${NEXT}`],
      [playFailed(), `ask_destination_again → ${DESTINATION}`],
      [nothing(), `ask_destination_last → ${DESTINATION}`],
      [nothing(), 'no_input_goodbye → goodbye no_input'],
    ],
    'a prompt broke off, but digits came': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [
        { $case: 'collected', value: { outcome: ivr.Collected_Outcome.PLAY_FAILED, digits: '12', sealed: false } },
        '→ ask destination 12',
      ],
    ],
    'the platform does not answer': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
      [askFailed(), `apology ${NEXT}`],
      [keyed('*'), '→ ask balance'],
      [askFailed(), 'technical_problem → goodbye failed'],
    ],
    'the platform does not answer now and then': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
      [askFailed(), `apology ${NEXT}`],
      [keyed('*'), '→ ask balance'],
      [balance(), `${BALANCE} ${NEXT}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
      [askFailed(), `apology ${NEXT}`],
    ],
    'another trunk cannot be paid for': [...dialled, [askFailed(), `reason_failed ${AFTER}`]],
    'the credit is used up': [
      ...dialled,
      [ended(Reason.CREDIT_EXHAUSTED), 'credit_exhausted goodbye → goodbye no_credit'],
    ],
    'no credit for one destination may be enough for another': [
      [authorised, `ask_destination → ${DESTINATION}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
      [refused(Reason.NO_CREDIT), `reason_no_credit ${AFTER}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
      [refused(Reason.NO_CREDIT), `reason_no_credit ${AFTER}`],
      [keyed(NUMBER), `→ ask destination ${NUMBER}`],
      [refused(Reason.NO_CREDIT), `reason_no_credit ${AFTER}`],
    ],
  });

  test('after a call the # of a late end code is wanted, before one it is ignored by the switch', () => {
    const conversation = new Conversation();
    const least = (event: Event): number | undefined => {
      conversation.tell(event);
      const next = conversation.last?.next;
      return next?.$case === 'collect' ? next.value.minDigits : undefined;
    };
    assert.equal(least(authorised), 1);
    assert.equal(least(keyed(NUMBER)), undefined);
    assert.equal(least(accepted(60)), undefined);
    assert.equal(least(ended(Reason.NORMAL)), 0);
    assert.equal(least(hash()), 0);
    assert.equal(least(keyedSlowly('11')), 1);
  });

  test('twenty in a row without a call', () => {
    const conversation = new Conversation();
    conversation.tell(authorised);
    for (let turn = 1; turn < 20; turn += 1) {
      conversation.tell(keyed('00999'));
      assert.equal(conversation.tell(refused(Reason.BLOCKED)), `reason_blocked ${AFTER}`);
    }
    conversation.tell(keyed('00999'));
    assert.equal(conversation.tell(refused(Reason.BLOCKED)), 'goodbye → goodbye no_input');
  });
});

describe('every reason is said in words of its own, refused or ended', () => {
  const words: Partial<Record<keyof typeof Reason, string>> = {
    BUSY: 'reason_busy',
    NO_ANSWER: 'reason_no_answer',
    UNALLOCATED: 'reason_unallocated',
    REJECTED: 'reason_rejected',
    CONGESTION: 'reason_congestion',
    UNREACHABLE: 'reason_unreachable',
    BLOCKED: 'reason_blocked',
    NO_CREDIT: 'reason_no_credit',
    OWN_NUMBER: 'reason_own_number',
    EMERGENCY: 'reason_emergency',
    INVALID_NUMBER: 'invalid_number',
    UNKNOWN_SPEED_DIAL: 'unknown_speed_dial',
    COOL_DOWN: 'reason_cool_down',
    TOO_MANY_CALLS: 'reason_too_many_calls',
    FAILED: 'reason_failed',
  };
  test('the table has every reason of the contract', () => {
    const all = Object.keys(Reason).filter(
      (name) => !['UNSPECIFIED', 'UNRECOGNIZED', 'NORMAL', 'CREDIT_EXHAUSTED'].includes(name),
    );
    assert.deepEqual(Object.keys(words).toSorted(), all.toSorted());
  });
  for (const [name, id] of Object.entries(words)) {
    test(name, () => {
      const reason = Reason[name as keyof typeof Reason];
      const conversation = new Conversation();
      for (const [event] of dialled.slice(0, 2)) conversation.tell(event);
      assert.equal(conversation.tell(refused(reason)), `${id} ${AFTER}`);
      conversation.tell(keyed(NUMBER));
      conversation.tell(accepted(60));
      assert.equal(conversation.tell(ended(reason)), `${id} ${AFTER}`);
    });
  }
});
