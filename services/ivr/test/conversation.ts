import { ivr } from '@ringback/contracts';
import { step, type Stepped, type Voices } from '../src/dialogue/step.ts';
import type { Event, EventOf } from '../src/dialogue/moves.ts';
import { loadVoices } from '../src/voices.ts';
import { LANGUAGES_DIR } from '@ringback/prompts';

export const VOICES: Voices = loadVoices(LANGUAGES_DIR, 'en');

export const FIVE_EUROS = { micros: 5_000_000n, currency: 'EUR' };
const { Collected_Outcome: Input, PinResult_Outcome: Pin, Reason } = ivr;

export const start = (fields: Partial<ivr.Start> = {}): Event => ({
  $case: 'start',
  value: ivr.Start.fromPartial({ mode: 'callback', language: 'en', accountKnown: true, endCode: '#11', ...fields }),
});
const collected = (value: Partial<EventOf<'collected'>>): Event => ({
  $case: 'collected',
  value: ivr.Collected.fromPartial(value),
});
export const keyed = (digits: string): Event => collected({ outcome: Input.COMPLETE, digits });
/** Digits, then no `#`. */
export const keyedSlowly = (digits: string): Event => collected({ outcome: Input.TIMEOUT, digits });
export const pin = (): Event => collected({ outcome: Input.COMPLETE, sealed: true });
export const nothing = (): Event => collected({ outcome: Input.NOTHING });
export const hash = (): Event => collected({ outcome: Input.COMPLETE });
export const playFailed = (): Event => collected({ outcome: Input.PLAY_FAILED });
export const pinOk = (fields: Partial<ivr.PinResult> = {}): Event => ({
  $case: 'pinResult',
  value: ivr.PinResult.fromPartial({ outcome: Pin.OK, language: 'en', balance: FIVE_EUROS, ...fields }),
});
export const pinIs = (outcome: ivr.PinResult_Outcome): Event => ({
  $case: 'pinResult',
  value: ivr.PinResult.fromPartial({ outcome }),
});
export const accepted = (maxSeconds: number, capped = false): Event => ({
  $case: 'destinationResult',
  value: { refused: Reason.UNSPECIFIED, maxSeconds, capped },
});
export const refused = (reason: ivr.Reason): Event => ({
  $case: 'destinationResult',
  value: { refused: reason, maxSeconds: 0, capped: false },
});
export const ended = (reason: ivr.Reason): Event => ({ $case: 'legBEnded', value: { reason } });
export const balance = (): Event => ({ $case: 'balanceResult', value: { balance: FIVE_EUROS } });
export const askFailed = (): Event => ({ $case: 'askFailed', value: {} });
export const played = (): Event => ({ $case: 'played', value: {} });

/** A dialogue as its caller lives it. */
export class Conversation {
  state = '';
  last: Stepped | undefined;

  /** One step; answers what is said and what is waited for, in short: "welcome ask_account → collect 12#". */
  tell(event: Event): string {
    this.last = step(this.state, event, VOICES);
    this.state = this.last.state;
    return [...this.last.prompts.map((id) => id.replace(/^en\//, '')), '→', describe(this.last.next)].join(' ');
  }
}

function describe(next: Stepped['next']): string {
  switch (next.$case) {
    case 'collect': {
      const { maxDigits, terminators, secret, singleDigitCommands, flushTypeAhead, accountNumber } = next.value;
      const flags = [secret && `secret ${accountNumber}`.trim(), flushTypeAhead && 'flush'].filter(Boolean);
      return ['collect', `${maxDigits}${terminators}${singleDigitCommands}`, ...flags].join(' ');
    }
    case 'ask': {
      const { question } = next.value;
      const about =
        question?.$case === 'verifyPin'
          ? question.value.accountNumber
          : question?.$case === 'destination'
            ? question.value.digits
            : '';
      return `ask ${question?.$case} ${about}`.trim();
    }
    case 'goodbye':
      return `goodbye ${next.value.result}`;
    default:
      return next.$case;
  }
}
