import { playFile } from '../session/playback.ts';
import type { Session } from '../session/session.ts';

/** Waits for digits until `until()` is past, `enough` or a terminator. */
async function collect(
  session: Session,
  entered: string,
  max: number,
  terminators: string,
  timeout: number,
  between: number,
) {
  let digits = entered;
  let deadline = performance.now() + (digits === '' ? timeout : between);
  while (session.ready && digits.length < max && performance.now() < deadline) {
    for (let d = session.takeDigit(); d !== undefined; d = session.takeDigit()) {
      if (terminators.includes(d.digit)) return { digits, terminator: d.digit, timedOut: false };
      digits += d.digit;
      deadline = performance.now() + between;
      if (digits.length >= max) break;
    }
    if (digits.length < max) await session.round();
  }
  return { digits, terminator: undefined, timedOut: digits.length < max };
}

/** `min max tries timeout terminators file invalid-file variable regexp digit-timeout` (recordings s07*). */
export async function playAndGetDigits(session: Session, data: string): Promise<void> {
  const { channel } = session;
  const args = data.split(' ');
  const [
    minText = '1',
    maxText = '1',
    triesText = '1',
    timeoutText = '5000',
    terminators = '#',
    file = '',
    invalid = '',
    variable = '',
    regexp = '',
    digitTimeout,
  ] = args;
  const [min, max, tries, timeout] = [minText, maxText, triesText, timeoutText].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const between = digitTimeout === undefined ? timeout : Number(digitTimeout);
  const pattern = regexp === '' ? undefined : new RegExp(regexp);
  session.flushDigits();
  channel.setAll({ [variable]: undefined, [`${variable}_invalid`]: undefined, read_terminator_used: undefined });
  for (let attempt = 0; attempt < tries && session.ready; attempt += 1) {
    channel.set('read_result', undefined);
    let first = '';
    let ended: string | undefined;
    if (file !== '' && file !== 'silence') {
      await playFile(session, file, (digit) => {
        if (terminators.includes(digit)) ended = digit;
        else first += digit;
        return true;
      });
    }
    const got =
      ended === undefined
        ? await collect(session, first, max, terminators, timeout, between)
        : { digits: first, terminator: ended, timedOut: false };
    channel.set('read_terminator_used', got.terminator);
    const long = got.digits.length >= min;
    // After a hang-up the partial input counts as a success when it matches (recording s07f).
    const result =
      !session.ready && got.digits !== ''
        ? 'success'
        : got.digits === '' || !long
          ? 'failure'
          : got.timedOut
            ? 'timeout'
            : 'success';
    if (long && (pattern === undefined || pattern.test(got.digits))) {
      channel.setAll({ [variable]: got.digits, read_result: result });
      return;
    }
    if (got.digits !== '') channel.set(`${variable}_invalid`, got.digits);
    channel.set('read_result', result);
    if (session.ready && invalid !== '' && invalid !== 'silence') await playFile(session, invalid, () => true);
  }
}
