import { localStamp } from '../events/bus.ts';
import type { Channel } from './channel.ts';

const seconds = (micros: number): number => Math.floor(micros / 1_000_000);

/** switch_channel_set_timestamps and the rest of what CS_REPORTING puts into a channel's variables. */
export function reportVariables(channel: Channel): void {
  const t = channel.times;
  channel.setHangupCauseVariables();
  channel.set('digits_dialed', channel.digitsDialed === '' ? 'none' : channel.digitsDialed);
  channel.set('start_stamp', localStamp(t.created));
  channel.set('profile_start_stamp', localStamp(channel.profile?.profileCreated ?? t.created));
  if (t.answered > 0) channel.set('answer_stamp', localStamp(t.answered));
  if (t.bridged > 0) channel.set('bridge_stamp', localStamp(t.bridged));
  if (t.progress > 0) channel.set('progress_stamp', localStamp(t.progress));
  if (t.progressMedia > 0) channel.set('progress_media_stamp', localStamp(t.progressMedia));
  channel.set('end_stamp', localStamp(t.hangup));
  const epochs: [string, number][] = [
    ['start', t.created],
    ['profile_start', channel.profile?.profileCreated ?? t.created],
    ['answer', t.answered],
    ['bridge', t.bridged],
    ['last_hold', t.lastHold],
  ];
  for (const [name, micros] of epochs) {
    channel.setAll({ [`${name}_epoch`]: seconds(micros), [`${name}_uepoch`]: micros });
  }
  channel.setAll({
    hold_accum_seconds: seconds(t.holdAccum),
    hold_accum_usec: t.holdAccum,
    hold_accum_ms: Math.floor(t.holdAccum / 1000),
  });
  for (const [name, micros] of [
    ['resurrect', t.resurrected],
    ['progress', t.progress],
    ['progress_media', t.progressMedia],
    ['end', t.hangup],
  ] as [string, number][]) {
    channel.setAll({ [`${name}_epoch`]: seconds(micros), [`${name}_uepoch`]: micros });
  }
  channel.set('last_app', channel.lastApp);
  channel.set('last_arg', channel.lastArg);
  if (channel.profile !== undefined) {
    channel.set('caller_id', `"${channel.profile.callerIdName}" <${channel.profile.callerIdNumber}>`);
  }
  const since = (from: number, to: number): number => (from > 0 && to > 0 ? to - from : 0);
  const spans: [string, number, number, number][] = [
    ['duration', t.created, t.hangup, 0],
    ['billsec', t.answered, t.hangup, 0],
    ['progresssec', t.created, t.progress, 0],
    ['answersec', t.created, t.answered, 0],
    ['waitsec', t.created, t.bridged, 0],
    ['progress_mediasec', t.created, t.progressMedia, 0],
    ['flow_billsec', t.created, t.answered > 0 ? t.hangup : 0, 0],
  ];
  // In whole seconds FreeSWITCH subtracts the truncated epochs, so a call of 0.7 s may last 1 or 0.
  for (const [name, from, to] of spans) channel.set(name, String(from > 0 && to > 0 ? seconds(to) - seconds(from) : 0));
  const stem = (name: string): string => name.replace(/sec$/, '');
  for (const [unit, divisor] of [
    ['m', 1000],
    ['u', 1],
  ] as const) {
    for (const [name, from, to] of spans) {
      const key = name === 'duration' ? `${unit}duration` : `${stem(name)}${unit}sec`;
      channel.set(key, String(Math.floor(since(from, to) / divisor)));
    }
  }
}
