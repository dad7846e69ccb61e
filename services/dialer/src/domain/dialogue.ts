import { auth, billing, ivr, sw } from '@ringback/contracts';
import { bridge, quoteDestination } from './leg-b.ts';
import { finish } from './ending.ts';
import type { PlayBody, Result, SealedPin, Then } from './model.ts';
import { scheduleExtension, remember } from './leg-a.ts';
import type { Turn } from './turn.ts';

const RESULTS: Record<string, [Result, string]> = {
  completed: ['success', ''],
  machine: ['caller_error', 'machine'],
  pin_failed: ['caller_error', 'pin_failed'],
  locked: ['refused', 'locked'],
  no_input: ['caller_error', 'no_input'],
  no_credit: ['success', 'no_credit'],
  failed: ['platform_error', 'dialogue_failed'],
};

type Event = NonNullable<ivr.StepRequest['event']>;

const { PinResult_Outcome: Pin, Collected_Outcome: Input, Reason } = ivr;

/** One step of ivr: what happened goes out, with the dialogue's state. */
export function step(turn: Turn, event: Event): void {
  const { s } = turn;
  const dialogue = (s.dialogue ??= { state: '', playing: '', play: undefined, follow: { kind: 'nothing' } });
  dialogue.playing = '';
  dialogue.follow = { kind: 'nothing' };
  turn.dialogue(ivr.StepRequest.toJSON(ivr.StepRequest.fromPartial({ state: dialogue.state, event })));
}

const money = (balance: { micros: string; currency: string } | undefined) =>
  balance && { micros: BigInt(balance.micros), currency: balance.currency };

export function startDialogue(turn: Turn): void {
  const { s } = turn;
  s.dialogue = undefined;
  step(turn, {
    $case: 'start',
    value: {
      mode: s.access.mode,
      language: s.account?.language || s.access.language,
      accountKnown: s.account !== undefined,
      authorised: s.authorised,
      confirm: s.access.confirm,
      balance: money(s.balance),
      endCode: s.access.endCode,
    },
  });
}

/** ivr answered: play, and then do what follows. */
export function stepped(turn: Turn, answer: ivr.StepResponse): void {
  const { s, a } = turn;
  if (!s.dialogue || s.phase !== 'talking' || a?.status !== 'up') return;
  s.dialogue.state = answer.state;
  const { next, prompts } = answer;
  if (!next) return finish(turn, 'platform_error', 'dialogue_failed');
  switch (next.$case) {
    case 'collect': {
      const { secret, accountNumber, ...collect } = next.value;
      return play(
        turn,
        {
          kind: 'play',
          prompts,
          collect,
          ...(secret ? { sealFor: accountNumber || (s.account?.number ?? '') } : {}),
        },
        { kind: 'collected' },
      );
    }
    case 'ask':
      return playThen(turn, prompts, asked(next.value));
    case 'continue':
      return playThen(turn, prompts, { kind: 'played' });
    case 'goodbye':
      return playThen(turn, prompts, { kind: 'goodbye', result: next.value.result });
    case 'dial':
      return playThen(turn, prompts, { kind: 'dial' });
    case 'refused':
      return finish(turn, 'platform_error', 'dialogue_failed');
  }
}

function asked({ question }: ivr.Ask): Then {
  switch (question?.$case) {
    case 'verifyPin':
      return { kind: 'verify_pin', accountNumber: question.value.accountNumber };
    case 'destination':
      return { kind: 'destination', digits: question.value.digits };
    case 'balance':
      return { kind: 'balance' };
    default:
      return { kind: 'goodbye', result: 'failed' };
  }
}

function playThen(turn: Turn, prompts: string[], then: Then): void {
  if (prompts.length === 0) proceed(turn, then);
  else play(turn, { kind: 'play', prompts }, then);
}

function play(turn: Turn, body: PlayBody, then: Then): void {
  const dialogue = turn.s.dialogue!;
  dialogue.play = body;
  dialogue.follow = then;
  dialogue.playing = turn.command(turn.a!, body);
}

/** The agent does not know of the prompt (it never got the command): it is told again. */
export function playAgain(turn: Turn): void {
  const { dialogue } = turn.s;
  if (dialogue?.playing && dialogue.play) play(turn, dialogue.play, dialogue.follow);
}

/** A prompt ended, with or without digits. Anything but the one awaited is late, and of no matter. */
export function collected(turn: Turn, commandId: string, legId: string, value: sw.Collected): void {
  const { s } = turn;
  const { dialogue } = s;
  if (!dialogue || dialogue.playing !== commandId || s.phase !== 'talking') return;
  const { follow } = dialogue;
  dialogue.playing = '';
  dialogue.play = undefined;
  if (follow.kind !== 'collected') return proceed(turn, follow);
  s.pin = value.sealed && sealed(value.sealed, commandId, legId);
  step(turn, {
    $case: 'collected',
    value: {
      outcome: OUTCOMES[value.outcome] ?? Input.NOTHING,
      digits: value.digits,
      sealed: value.sealed !== undefined,
    },
  });
}

const Keyed = sw.Collected_Outcome;
const OUTCOMES: Partial<Record<sw.Collected_Outcome, ivr.Collected_Outcome>> = {
  [Keyed.COMPLETE]: Input.COMPLETE,
  [Keyed.TIMEOUT]: Input.TIMEOUT,
  [Keyed.PLAY_FAILED]: Input.PLAY_FAILED,
};

const sealed = (pin: sw.SealedDigits, commandId: string, legId: string): SealedPin => ({
  keyId: pin.keyId,
  ephemeralPublicKey: Buffer.from(pin.ephemeralPublicKey).toString('base64'),
  ciphertext: Buffer.from(pin.ciphertext).toString('base64'),
  account: pin.account,
  commandId,
  legId,
});

function proceed(turn: Turn, then: Then): void {
  const { s, a } = turn;
  switch (then.kind) {
    case 'verify_pin':
      return verifyPin(turn, then.accountNumber);
    case 'destination':
      return turn.ask({
        do: 'resolve',
        traceparent: turn.traceparent,
        accountNumber: s.account?.number ?? '',
        digits: then.digits,
      });
    case 'balance':
      return turn.ask({ do: 'balance', traceparent: turn.traceparent, accountNumber: s.account?.number ?? '' });
    case 'played':
      return step(turn, { $case: 'played', value: {} });
    case 'goodbye': {
      const [result, reason] = RESULTS[then.result] ?? ['platform_error', 'dialogue_failed'];
      if (a) turn.hangup(a, 'NORMAL_CLEARING', 'dialogue');
      return finish(turn, result, reason);
    }
    case 'dial':
      return bridge(turn);
    case 'collected':
    case 'nothing':
      return;
  }
}

function verifyPin(turn: Turn, accountNumber: string): void {
  const { s } = turn;
  const { pin } = s;
  s.pin = undefined; // single use
  if (!pin)
    return step(turn, {
      $case: 'pinResult',
      value: { outcome: Pin.WRONG, language: '', balance: undefined, callerIdSaved: false },
    });
  turn.ask({
    do: 'verify_pin',
    traceparent: turn.traceparent,
    accountNumber: accountNumber || (s.account?.number ?? ''),
    pin,
    callerId: s.callerId,
    accessNumber: s.access.number,
    // Whoever answered the callback holds that telephone; an inbound caller ID proves nothing unless its path is trusted.
    saveCallerId: s.callerId !== '' && (s.access.mode === 'callback' || s.trusted),
  });
}

/** PIN verified: the account pays from now on, and its balance may be told. */
export function pinVerified(turn: Turn, answer: auth.VerifyPinResponse): void {
  const { s, a } = turn;
  if (s.phase !== 'talking' || !a) return;
  if (answer.outcome === auth.VerifyPinResponse_Outcome.OK && answer.account) {
    const { number, country, language } = answer.account;
    s.account = { number, country, language };
    s.authorised = true;
    s.payer = 'account';
    s.reason = answer.callerIdSaved ? 'caller_id_saved' : '';
    turn.reserve('pin', [turn.quoted(a)], turn.settings.legAChunkMs);
    return;
  }
  const outcome = REFUSED[answer.outcome] ?? Pin.WRONG;
  step(turn, { $case: 'pinResult', value: { outcome, language: '', balance: undefined, callerIdSaved: false } });
}

const Verified = auth.VerifyPinResponse_Outcome;
const REFUSED: Partial<Record<auth.VerifyPinResponse_Outcome, ivr.PinResult_Outcome>> = {
  [Verified.LOCKED]: Pin.LOCKED,
  [Verified.SUSPENDED]: Pin.SUSPENDED,
};

/** The hold of leg A stands on the caller's account now. */
export function reservedAfterPin(turn: Turn, answer: billing.ReserveResponse): void {
  const { s, a } = turn;
  if (s.phase !== 'talking' || !a) return;
  if (answer.outcome === billing.ReserveResponse_Outcome.OK) {
    remember(turn, answer);
    turn.command(a, { kind: 'setCutoff', atUs: s.paidUntilUs });
    scheduleExtension(turn);
  } else if (answer.balance) {
    s.balance = { micros: String(answer.balance.micros), currency: answer.balance.currency };
  }
  step(turn, {
    $case: 'pinResult',
    value: {
      outcome: Pin.OK,
      language: s.account?.language ?? '',
      balance: money(s.balance),
      callerIdSaved: s.reason === 'caller_id_saved',
    },
  });
  s.reason = '';
}

export function balanceTold(turn: Turn, answer: billing.GetBalanceResponse): void {
  if (turn.s.phase !== 'talking') return;
  if (answer.balance) step(turn, { $case: 'balanceResult', value: { balance: answer.balance } });
  else step(turn, { $case: 'askFailed', value: {} });
}

/** auth read what was keyed. */
export function resolved(turn: Turn, answer: auth.ResolveDestinationResponse): void {
  if (turn.s.phase !== 'talking') return;
  const { ResolveDestinationResponse_Outcome: Outcome } = auth;
  switch (answer.outcome) {
    case Outcome.OK:
      return quoteDestination(turn, answer.e164);
    case Outcome.EMERGENCY:
      return refuse(turn, Reason.EMERGENCY);
    case Outcome.UNKNOWN_SPEED_DIAL:
      return refuse(turn, Reason.UNKNOWN_SPEED_DIAL);
    default:
      return refuse(turn, Reason.INVALID_NUMBER);
  }
}

/** Tells the caller in words why a destination is not dialled. */
export function refuse(turn: Turn, refused: ivr.Reason): void {
  step(turn, { $case: 'destinationResult', value: { refused, maxSeconds: 0, capped: false } });
}

/** What was asked for the caller is not to be had in time. */
export function askFailed(turn: Turn): void {
  if (turn.s.phase === 'talking') step(turn, { $case: 'askFailed', value: {} });
}
