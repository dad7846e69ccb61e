import { openSource } from '../media/sources.ts';
import type { Session } from './session.ts';

const FRAME_MS = 20;
const MAX_LAG_MS = 200;
/** Frames written ahead of the wire: after a stall a file goes on where it was, later; none of it is lost. */
const MAX_BACKLOG = 4;

export type PlayResult = 'done' | 'break' | 'hangup' | 'missing';

/**
 * switch_ivr_play_file: PLAYBACK_START, frames, PLAYBACK_STOP. `onDigit` says whether a digit ends it. The status of
 * PLAYBACK_STOP is `break` for a digit or uuid_break, else `done`, also on hang-up (recording s01d).
 */
export async function playFile(
  session: Session,
  file: string,
  onDigit: (digit: string) => boolean,
): Promise<PlayResult> {
  const { channel } = session;
  const source = openSource(session.core.sounds, file);
  if (source === undefined) return 'missing';
  if (!session.ready) return 'hangup';
  if (!session.leg.mediaReady) await session.leg.preAnswer();
  const headers: [string, string][] = [];
  if (source.kind !== undefined) headers.push(['Playback-File-Type', source.kind]);
  headers.push(['Playback-File-Path', file]);
  channel.emit('PLAYBACK_START', headers);
  session.breakFlag = false;
  session.playing += 1;
  let result: PlayResult = 'done';
  const started = performance.now();
  let next = started;
  while (true) {
    if (!session.ready) {
      result = 'hangup';
      break;
    }
    if (session.breakFlag) {
      session.breakFlag = false;
      result = 'break';
      break;
    }
    // Paced by the clock, not by counting beats: a late beat is made up for, a nested application's time is not.
    const now = performance.now();
    if (now - next > MAX_LAG_MS) next = now;
    let finished = false;
    if (session.leg.backlog >= MAX_BACKLOG) next = now + FRAME_MS;
    for (; next <= now && !finished && session.leg.backlog < MAX_BACKLOG; next += FRAME_MS) {
      const frame = source.read();
      if (frame === undefined) finished = true;
      else session.leg.write(frame);
    }
    if (finished) break;
    await session.round();
    let ended = false;
    for (let digit = session.takeDigit(); digit !== undefined; digit = session.takeDigit()) {
      if (onDigit(digit.digit)) {
        ended = true;
        break;
      }
    }
    if (ended) {
      result = 'break';
      break;
    }
  }
  session.playing -= 1;
  const samples = result === 'done' ? source.position : Math.round(performance.now() - started) * 8;
  channel.setAll({
    playback_last_offset_pos: source.position,
    playback_seconds: Math.floor(samples / 8000),
    playback_ms: Math.floor(samples / 8),
    playback_samples: samples,
  });
  channel.emit('PLAYBACK_STOP', [...headers, ['Playback-Status', result === 'break' ? 'break' : 'done']]);
  return result;
}

/** The `playback` application. */
export async function playback(session: Session, file: string): Promise<void> {
  const { channel } = session;
  channel.set('playback_terminator_used', undefined);
  const terminators = channel.get('playback_terminators') ?? '*';
  const stops = terminators === 'any' ? '0123456789*#' : terminators === 'none' ? '' : terminators;
  const result = await playFile(session, file, (digit) => {
    if (!stops.includes(digit)) return false;
    channel.set('playback_terminator_used', digit);
    return true;
  });
  if (result === 'missing') session.setResponse('FILE NOT FOUND');
  else if (result === 'hangup') session.setResponse('PLAYBACK ERROR');
  else session.setResponse('FILE PLAYED');
}
