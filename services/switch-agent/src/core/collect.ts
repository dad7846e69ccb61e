import { sw } from '@ringback/contracts';

const { Collected_Outcome: Outcome } = sw;

/** One prompt with the input it asks for; a value, so that every step can be tested. */
export interface Entry {
  readonly request: sw.Collect | undefined;
  readonly digits: string;
  /** The prompt is (still) to be heard. */
  readonly prompting: boolean;
  /** It could not be played, or not all of it. */
  readonly failed: boolean;
}

export type Input =
  | { is: 'digit'; digit: string }
  | { is: 'prompt_ended'; played: boolean }
  | { is: 'silence' }
  | { is: 'stop' };

export interface Done {
  outcome: sw.Collected_Outcome;
  digits: string;
  /** The input was one of `single_digit_commands`: not part of any secret. */
  command: boolean;
  /** Ended by its length: a terminator keyed right behind it belongs to it. */
  swallow: string;
}

export interface Step {
  entry: Entry;
  /** Stop the prompt. */
  breakPrompt: boolean;
  /** Silence to wait for from now on, ms; 0: none; undefined: as before. */
  timerMs: number | undefined;
  done: Done | undefined;
}

/** Begins; digits keyed ahead are fed by `step` before the prompt is started. */
export function begin(request: sw.Collect | undefined, hasPrompt: boolean, failed: boolean): Step {
  const entry: Entry = { request, digits: '', prompting: hasPrompt, failed };
  if (hasPrompt) return { entry, breakPrompt: false, timerMs: 0, done: undefined };
  if (!request) return finish(entry, failed ? Outcome.PLAY_FAILED : Outcome.PLAYED);
  return { entry, breakPrompt: false, timerMs: request.firstDigitTimeoutMs, done: undefined };
}

/** Pure. After `done` nothing more is to be fed. */
export function step(entry: Entry, input: Input): Step {
  switch (input.is) {
    case 'digit':
      return onDigit(entry, input.digit);
    case 'prompt_ended':
      return onPromptEnded(entry, input.played);
    case 'silence':
      return onSilence(entry);
    case 'stop':
      return { ...finish(entry, Outcome.STOPPED), breakPrompt: entry.prompting };
  }
}

const same = (entry: Entry): Step => ({ entry, breakPrompt: false, timerMs: undefined, done: undefined });

function finish(entry: Entry, outcome: sw.Collected_Outcome, command = false, swallow = ''): Step {
  const done = { outcome, digits: entry.digits, command, swallow };
  return { entry: { ...entry, prompting: false }, breakPrompt: false, timerMs: 0, done };
}

function onDigit(entry: Entry, digit: string): Step {
  const { request } = entry;
  if (!request || !/^[0-9*#]$/.test(digit)) return same(entry);
  const first = entry.digits === '';
  if (first && request.singleDigitCommands.includes(digit)) {
    return barge(entry, finish({ ...entry, digits: digit }, Outcome.COMPLETE, true));
  }
  if (request.terminators.includes(digit)) {
    // Somebody who ends what was not begun has keyed for an earlier question, unless nothing is an answer.
    if (first && request.minDigits > 0) return same(entry);
    return barge(entry, finish(entry, Outcome.COMPLETE));
  }
  if (first && digit === '#') return same(entry);
  const next = { ...entry, digits: entry.digits + digit };
  if (next.digits.length >= request.maxDigits) {
    return barge(entry, finish(next, Outcome.COMPLETE, false, request.terminators));
  }
  const going = { ...next, prompting: false };
  return barge(entry, { entry: going, breakPrompt: false, timerMs: request.interDigitTimeoutMs, done: undefined });
}

const barge = (before: Entry, result: Step): Step => ({ ...result, breakPrompt: before.prompting });

function onPromptEnded(entry: Entry, played: boolean): Step {
  if (!entry.prompting) return same(entry);
  const next = { ...entry, prompting: false, failed: entry.failed || !played };
  if (!next.request) return finish(next, next.failed ? Outcome.PLAY_FAILED : Outcome.PLAYED);
  return { entry: next, breakPrompt: false, timerMs: next.request.firstDigitTimeoutMs, done: undefined };
}

function onSilence(entry: Entry): Step {
  if (!entry.request || entry.prompting) return same(entry);
  if (entry.failed) return finish(entry, Outcome.PLAY_FAILED);
  return finish(entry, entry.digits === '' ? Outcome.NOTHING : Outcome.TIMEOUT);
}
