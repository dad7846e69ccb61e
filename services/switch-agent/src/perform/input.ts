import { join } from 'node:path';
import { sw } from '@ringback/contracts';
import { EslError } from '@ringback/esl';
import { seal } from '@ringback/sealing';
import { about, inSession, type Logger } from '@ringback/service-kit';
import { begin, type Done, type Entry, type Input, type Step, step } from '../core/collect.ts';
import { Keypresses, TypeAhead } from '../core/digits.ts';
import type { Body, Leg } from '../core/leg.ts';
import type { LegBook } from '../legs.ts';
import type { Timers } from '../ports.ts';
import type { Esl } from '../switch/traced-esl.ts';

/** A playback ends within so long of `uuid_break`. */
const BREAK_MS = 1_000;

/** The command that made (or answered) the leg is its first, its first prompt the second. */
const FIRST_AFTER_ANSWER = 2n;

/** One Play under way. */
interface Current {
  command: sw.Command;
  play: sw.Play;
  files: string[];
  missing: boolean;
  /** Undefined until it can begin. */
  entry: Entry | undefined;
}

/** What a caller hears and keys, a leg for itself. In memory only: digits are nowhere written down. */
interface Desk {
  current: Current | undefined;
  ahead: TypeAhead;
  keys: Keypresses;
  /** Id of the playback that the switch has not said to be over. */
  playing: string;
  stopTimer: (() => void) | undefined;
}

export interface InputDeskOptions {
  esl: Esl;
  legs: LegBook;
  log: Logger;
  promptsDir: string;
  switchNow: () => number;
  newId: () => string;
  timers: Timers;
  /** Whether a prompt's file is there. */
  hasFile: (path: string) => Promise<boolean>;
  /** The first prompt of an answered leg is being played, so long after the answer. */
  prompted?: (leg: Leg, afterUs: number) => void;
}

/**
 * Prompts and digits: `playback` by the switch, collection by ourselves (`play_and_get_digits` throws type-ahead away and
 * leaves the digits in variables).
 */
export class InputDesk {
  readonly #options: InputDeskOptions;
  readonly #desks = new Map<string, Desk>();

  constructor(options: InputDeskOptions) {
    this.#options = options;
  }

  /** Takes a Play; begins as soon as the leg is parked and its last prompt is over. */
  async play(command: sw.Command, play: sw.Play): Promise<void> {
    const paths = play.prompts.map((prompt) => `${join(this.#options.promptsDir, prompt)}.wav`);
    const there = await Promise.all(paths.map((path) => this.#options.hasFile(path)));
    const files = paths.filter((_path, index) => there[index]);
    if (files.length < paths.length) {
      this.#options.log.warn(
        { command_id: command.commandId, prompts: play.prompts.filter((_prompt, index) => !there[index]) },
        'prompts are missing',
      );
    }
    const leg = this.#options.legs.get(command.legId);
    if (!leg || leg.ended) return;
    const desk = this.#desk(leg.id);
    if (desk.current) await this.#feed(leg, desk, { is: 'stop' });
    desk.current = { command, play, files, missing: files.length < paths.length, entry: undefined };
    await this.#begin(leg, desk);
  }

  async stop(legId: string): Promise<void> {
    const leg = this.#options.legs.get(legId);
    const desk = this.#desks.get(legId);
    if (leg && desk?.current) await this.#feed(leg, desk, { is: 'stop' });
  }

  /** The leg is parked (again): what waits for it begins. */
  async parked(leg: Leg): Promise<void> {
    const desk = this.#desks.get(leg.id);
    if (desk) await this.#beginLater(leg, desk);
  }

  async digit(leg: Leg, digit: string, source: string, atUs: number): Promise<void> {
    // What is keyed in a conversation is meant for the other end.
    if (leg.ended || leg.bridge) return;
    const desk = this.#desk(leg.id);
    if (!desk.keys.isNew(digit, source, atUs)) return;
    const entry = desk.current?.entry;
    if (!entry?.request) return desk.ahead.push(digit);
    if (!desk.ahead.swallows(digit)) await this.#feed(leg, desk, { is: 'digit', digit });
  }

  async playbackEnded(leg: Leg, id: string, played: boolean): Promise<void> {
    const desk = this.#desks.get(leg.id);
    if (!desk || desk.playing !== id) return;
    desk.playing = '';
    if (desk.current && !desk.current.entry) return this.#beginLater(leg, desk);
    await this.#feed(leg, desk, { is: 'prompt_ended', played });
  }

  /** Nothing more is owed: its end says it all. */
  legEnded(legId: string): void {
    this.#desks.get(legId)?.stopTimer?.();
    this.#desks.delete(legId);
  }

  /** The event socket is gone: digits may be missed from now on. What was played is begun anew afterwards. */
  forgetAll(): void {
    for (const { stopTimer } of this.#desks.values()) stopTimer?.();
    this.#desks.clear();
  }

  #desk(legId: string): Desk {
    let desk = this.#desks.get(legId);
    if (!desk) {
      desk = { current: undefined, ahead: new TypeAhead(), keys: new Keypresses(), playing: '', stopTimer: undefined };
      this.#desks.set(legId, desk);
    }
    return desk;
  }

  /** What waited for the leg: a part of the command's trace, not of whatever made it possible now. */
  async #beginLater(leg: Leg, desk: Desk): Promise<void> {
    if (!desk.current) return;
    const { sessionId, traceparent } = desk.current.command;
    await inSession(sessionId, traceparent, () => this.#begin(leg, desk));
  }

  async #begin(leg: Leg, desk: Desk): Promise<void> {
    const { current } = desk;
    // Two playbacks would nest, the second within the first.
    if (!current || current.entry || desk.playing !== '' || !leg.parked || leg.answeredUs === 0 || leg.bridge) return;
    const { collect } = current.play;
    if (collect?.flushTypeAhead) desk.ahead.clear();
    let next = begin(collect, current.files.length > 0, current.missing);
    while (collect && !next.done) {
      const digit = desk.ahead.shift();
      if (digit === undefined) break;
      next = keepTimer(next, step(next.entry, { is: 'digit', digit }));
    }
    if (next.done || !next.entry.prompting) return this.#take(leg, desk, { ...next, breakPrompt: false });
    const id = this.#options.newId();
    desk.playing = id;
    await this.#take(leg, desk, next);
    const [first = '', ...more] = current.files;
    const what = more.length === 0 ? first : `file_string://${current.files.join('!')}`;
    try {
      await this.#options.esl.execute(leg.id, 'playback', what, id);
      if (current.command.legSeq === FIRST_AFTER_ANSWER) {
        this.#options.prompted?.(leg, this.#options.switchNow() - leg.answeredUs);
      }
    } catch (error) {
      if (!(error instanceof EslError) || !/^(refused|overloaded)$/.test(error.code)) throw error;
      desk.playing = '';
      await this.#feed(leg, desk, { is: 'prompt_ended', played: false });
    }
  }

  async #feed(leg: Leg, desk: Desk, input: Input): Promise<void> {
    const { current } = desk;
    if (!current) return;
    if (current.entry) return this.#take(leg, desk, step(current.entry, input));
    if (input.is === 'stop') await this.#take(leg, desk, step(begin(undefined, true, false).entry, input));
  }

  async #take(leg: Leg, desk: Desk, { entry, breakPrompt, timerMs, done }: Step): Promise<void> {
    const { current } = desk;
    if (!current) return;
    current.entry = entry;
    if (timerMs !== undefined || done) desk.stopTimer?.();
    if (timerMs !== undefined && timerMs > 0 && !done) {
      desk.stopTimer = this.#options.timers.after(timerMs, () => {
        this.#feed(leg, desk, { is: 'silence' }).catch((error: unknown) =>
          this.#options.log.error(
            { err: error, leg_id: leg.id, ...about(leg.sessionId, leg.traceparent) },
            'input failed',
          ),
        );
      });
    }
    if (done) {
      desk.current = undefined;
      if (done.swallow !== '') desk.ahead.swallowNext(done.swallow);
      this.#collected(leg.id, current, done);
    }
    if (breakPrompt && desk.playing !== '') await this.#breakOff(leg, desk, desk.playing);
  }

  /**
   * `uuid_break` ends a playback, but does nothing to one that begins a moment later, and throws one away that is queued
   * without a word (recording x10): when its end is not told, once more, and no longer waited for.
   */
  async #breakOff(leg: Leg, desk: Desk, id: string): Promise<void> {
    const { esl, log, timers } = this.#options;
    timers.after(BREAK_MS, () => {
      if (desk.playing !== id || this.#desks.get(leg.id) !== desk) return;
      desk.playing = '';
      esl
        .api(`uuid_break ${leg.id} all`)
        .then(() => this.#beginLater(this.#options.legs.get(leg.id) ?? leg, desk))
        .catch((error: unknown) =>
          log.warn(
            { err: error, leg_id: leg.id, ...about(leg.sessionId, leg.traceparent) },
            'a prompt could not be stopped',
          ),
        );
    });
    await esl.api(`uuid_break ${leg.id} all`);
  }

  #collected(legId: string, { command, play }: Current, done: Done): void {
    const { legs, switchNow } = this.#options;
    const leg = legs.get(legId);
    if (!leg || leg.ended) return;
    const { commandId, sessionId } = command;
    const secret = play.collect?.seal;
    const sealed =
      secret && done.digits !== '' && !done.command
        ? {
            ...seal(done.digits, secret.keyId, secret.publicKey, {
              account: secret.account,
              sessionId,
              legId,
              commandId,
            }),
            account: secret.account,
          }
        : undefined;
    const value = { outcome: done.outcome, digits: secret && !done.command ? '' : done.digits, sealed };
    const body: Body = { $case: 'collected', value };
    legs.tell(leg, [{ legId, atUs: switchNow(), commandId, body }], [commandId]);
  }
}

/** Of several steps in a row the last word on the timer holds. */
const keepTimer = (before: Step, after: Step): Step => ({ ...after, timerMs: after.timerMs ?? before.timerMs });
