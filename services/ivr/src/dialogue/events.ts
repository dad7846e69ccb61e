import { ivr } from '@ringback/contracts';
import { isCurrency } from '@ringback/money';
import { StepError } from './errors.ts';
import type { Event, EventOf } from './moves.ts';

const { Collected_Outcome: Input, PinResult_Outcome: Pin, Reason } = ivr;

/** Field names of the contract. */
export const fieldOf = ({ $case }: Event): string => $case.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

/** @throws {StepError} naming the field that is not what the contract wants. */
export function checkEvent(event: Event): void {
  switch (event.$case) {
    case 'start':
      return checkStart(event.value);
    case 'collected':
      return checkCollected(event.value);
    case 'pinResult':
      checkValue('pin_result.outcome', event.value.outcome, Pin.UNSPECIFIED);
      checkLanguage('pin_result.language', event.value.language);
      return checkMoney('pin_result.balance', event.value.balance);
    case 'destinationResult':
      if (event.value.refused === Reason.UNRECOGNIZED)
        throw new StepError('destination_result.refused', 'is not known');
      if (event.value.refused === Reason.UNSPECIFIED && event.value.maxSeconds < 1) {
        throw new StepError('destination_result.max_seconds', 'must be at least 1 where nothing is refused');
      }
      return;
    case 'balanceResult':
      if (!event.value.balance) throw new StepError('balance_result.balance', 'is missing');
      return checkMoney('balance_result.balance', event.value.balance);
    case 'legBEnded':
      return checkValue('leg_b_ended.reason', event.value.reason, Reason.UNSPECIFIED);
    case 'played':
    case 'askFailed':
      return;
  }
}

function checkStart({ mode, language, accountKnown, authorised, balance, endCode }: EventOf<'start'>): void {
  if (mode !== 'callback' && mode !== 'direct') throw new StepError('start.mode', 'wants callback or direct');
  checkLanguage('start.language', language);
  if (authorised && !accountKnown) throw new StepError('start.authorised', 'cannot be without account_known');
  checkMoney('start.balance', balance);
  if (!/^[0-9*#]{0,8}$/.test(endCode)) throw new StepError('start.end_code', 'wants at most 8 of 0-9 * #');
}

function checkCollected({ outcome, digits, sealed }: EventOf<'collected'>): void {
  checkValue('collected.outcome', outcome, Input.UNSPECIFIED);
  // The digits themselves are never repeated in a sentence: it may end up in a log.
  if (!/^[0-9*#A-D]{0,64}$/.test(digits)) throw new StepError('collected.digits', 'wants at most 64 of 0-9 * # A-D');
  if (sealed && digits !== '') throw new StepError('collected.digits', 'must be empty where they are sealed');
}

function checkValue(field: string, value: string, unspecified: string): void {
  if (value === unspecified) throw new StepError(field, 'is missing');
  if (value === 'UNRECOGNIZED') throw new StepError(field, 'is not known');
}

/** Empty: as before, or at the start the one that is spoken where none is known. */
function checkLanguage(field: string, tag: string): void {
  if (tag === '') return;
  if (!/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(tag) || tag.length > 35) {
    throw new StepError(field, 'wants a BCP 47 language tag');
  }
}

function checkMoney(field: string, money: { currency: string } | undefined): void {
  if (money && !isCurrency(money.currency)) throw new StepError(`${field}.currency`, 'wants an ISO 4217 currency');
}
