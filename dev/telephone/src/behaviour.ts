import type { Tone } from '@ringback/dev-media';
import type { PhoneCall } from './phone-call.ts';

/** Samples at 8 kHz, a tone, or the path of a WAV file. */
export type Audio = Int16Array | Tone | string;

/** What a number does when it is called. */
export type Behaviour =
  /** Rings, then answers; `onAnswer` runs once it is answered. */
  | { kind: 'answer'; ringMs?: number; onAnswer?: (call: PhoneCall) => void | Promise<void> }
  /** Refuses with a status (486 busy, 603 decline, 404 unallocated, 503 congestion…), after ringing when `ringMs` is given. */
  | { kind: 'reject'; status: number; ringMs?: number; reason?: string }
  /** Rings for ever, or says nothing but 100 when `ring` is false. */
  | { kind: 'no-answer'; ring?: boolean }
  /** 183 with audio (an announcement, a ringback tone) for `ms`, then answers or refuses with `status`. */
  | {
      kind: 'early-media';
      audio: Audio;
      ms: number;
      status?: number;
      reason?: string;
      onAnswer?: (call: PhoneCall) => void | Promise<void>;
    }
  /** Rings; whoever holds the call does the rest. */
  | { kind: 'manual'; ring?: boolean };

export const answer = (ringMs = 0, onAnswer?: (call: PhoneCall) => void | Promise<void>): Behaviour => ({
  kind: 'answer',
  ringMs,
  onAnswer,
});
export const busy = (ringMs?: number): Behaviour => ({
  kind: 'reject',
  status: 486,
  ringMs,
  reason: 'Q.850;cause=17;text="User busy"',
});
export const decline = (ringMs?: number): Behaviour => ({
  kind: 'reject',
  status: 603,
  ringMs,
  reason: 'Q.850;cause=21;text="Call rejected"',
});
export const reject = (status: number, options: { ringMs?: number; reason?: string } = {}): Behaviour => ({
  kind: 'reject',
  status,
  ...options,
});
export const noAnswer = (): Behaviour => ({ kind: 'no-answer' });
export const earlyMedia = (
  audio: Audio,
  ms: number,
  options: { status?: number; reason?: string; onAnswer?: (call: PhoneCall) => void | Promise<void> } = {},
): Behaviour => ({
  kind: 'early-media',
  audio,
  ms,
  ...options,
});
export const manual = (): Behaviour => ({ kind: 'manual' });

/** Plays a behaviour on a call that has just come in. Timers die with the call. */
export function behave(call: PhoneCall, behaviour: Behaviour): void {
  const later = (ms: number, run: () => void): void => {
    const timer = setTimeout(run, ms);
    call.onOver(() => clearTimeout(timer));
  };
  const answerThen = (onAnswer: ((call: PhoneCall) => void | Promise<void>) | undefined): void => {
    call.answer();
    if (onAnswer) call.whenAnswered(() => onAnswer(call));
  };
  switch (behaviour.kind) {
    case 'answer':
      if (behaviour.ringMs) {
        call.ring();
        later(behaviour.ringMs, () => answerThen(behaviour.onAnswer));
      } else answerThen(behaviour.onAnswer);
      return;
    case 'reject':
      if (behaviour.ringMs === undefined) call.reject(behaviour.status, behaviour.reason);
      else {
        call.ring();
        later(behaviour.ringMs, () => call.reject(behaviour.status, behaviour.reason));
      }
      return;
    case 'no-answer':
    case 'manual':
      if (behaviour.ring ?? true) call.ring();
      return;
    case 'early-media':
      call.progress(behaviour.audio);
      later(behaviour.ms, () => {
        if (behaviour.status !== undefined) call.reject(behaviour.status, behaviour.reason);
        else {
          call.stopSaying();
          answerThen(behaviour.onAnswer);
        }
      });
  }
}
