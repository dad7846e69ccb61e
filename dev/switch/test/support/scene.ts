import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { formatWav } from '@ringback/dev-media';
import { header, type Recording, uniqueId } from './recording.ts';

/** What has to be there before a recording can be played: far ends, sounds, the switch's profile. */

/** Where nobody listened: discard, which is closed here as well. */
export const NOBODY = '5999';

/** Ports of 127.0.0.1 that commands call and inbound calls came from. */
export function portsOf(recording: Recording): Set<string> {
  const out = new Set<string>();
  for (const item of recording.items) {
    for (const [, port] of (item.send ?? '').matchAll(/@127\.0\.0\.1:(\d+)/g)) out.add(port ?? '');
    const inbound =
      header(item, 'Call-Direction') === 'inbound' ? /:(\d+)$/.exec(header(item, 'Channel-Name') ?? '') : null;
    if (inbound !== null) out.add(inbound[1] ?? '');
  }
  out.delete(NOBODY);
  return out;
}

export function profileOf(recording: Recording): string {
  const commands = recording.items
    .map((item) => item.send ?? '')
    .filter((command) => command.startsWith('bgapi originate'));
  return /sofia\/([^/]+)\//.exec(commands[0] ?? '')?.[1] ?? 'internal';
}

/** What an edge would have said of an inbound leg that its dialplan rang and scheduled to be hung up. */
export function triggerHeaders(recording: Recording, leg: string): [string, string][] {
  const executed = recording.items.filter(
    (item) => uniqueId(item) === leg && header(item, 'Event-Name') === 'CHANNEL_EXECUTE',
  );
  const [first, second] = executed;
  if (first === undefined || second === undefined || header(first, 'Call-Direction') !== 'inbound') return [];
  if (header(first, 'Application') !== 'ring_ready' || header(second, 'Application') !== 'sched_hangup') return [];
  const [, seconds = '', cause = ''] = /^\+(\d+) (\w+)$/.exec(header(second, 'Application-Data') ?? '') ?? [];
  return [
    ['X-Ringback-Mode', 'callback'],
    ['X-Ringback-Ring-Time', seconds],
    ['X-Ringback-Reject', cause],
  ];
}

/** Plays `file` for as long as it did: its samples when it was played to its end, 20 s when it was always broken off. */
export function writeSounds(recording: Recording, folder: string): void {
  const samples = new Map<string, number>();
  for (const item of recording.items) {
    const file = header(item, 'Playback-File-Path');
    if (header(item, 'Event-Name') !== 'PLAYBACK_STOP' || file === undefined) continue;
    if (file.startsWith('file_string://')) {
      const failed = recording.items
        .filter((other) => header(other, 'Event-Subclass') === 'filestring::fail')
        .map((other) => header(other, 'File'));
      for (const part of file.slice('file_string://'.length).split('!'))
        if (!failed.includes(part) && !samples.has(basename(part))) samples.set(basename(part), 12_000);
    }
    if (!file.startsWith('/')) continue;
    const whole = header(item, 'Playback-Status') === 'done' && header(item, 'Hangup-Cause') === undefined;
    const known = samples.get(basename(file));
    if (whole) samples.set(basename(file), Number(header(item, 'variable_playback_samples')));
    else if (known === undefined) samples.set(basename(file), 160_000);
  }
  recording.items.forEach((item, index) => {
    const file = header(item, 'Media-Bug-Target');
    if (header(item, 'Event-Name') !== 'MEDIA_BUG_START' || file === undefined) return;
    const rest = recording.items.slice(index);
    const end = rest.findIndex(
      (other) => header(other, 'Event-Name') === 'MEDIA_BUG_STOP' && header(other, 'Media-Bug-Target') === file,
    );
    const stopped = end < 0 || rest.slice(0, end).some((other) => other.send?.includes(' stop ') === true);
    samples.set(basename(file), stopped ? 160_000 : Math.round(((rest[end]?.t ?? 0) - item.t) * 50) * 160);
  });
  for (const [name, length] of samples) {
    const audio = Int16Array.from({ length }, (_unused, i) =>
      Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / 8000)),
    );
    writeFileSync(join(folder, name), formatWav(audio));
  }
}
