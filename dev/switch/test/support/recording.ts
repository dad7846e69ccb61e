import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseRawRecording } from './raw-recording.ts';

/** One thing a recording shows, at `t` seconds of its connection. */
export interface RecordedItem {
  t: number;
  /** A command of the client. */
  send?: string;
  /** Content-Type of a reply, with its text. */
  reply?: string;
  text?: string;
  /** Headers of an event (decoded; constant ones left out). */
  event?: [string, string][];
  body?: string;
  /** What the recorder noted. */
  note?: string;
  closed?: boolean;
}

export interface Recording {
  name: string;
  items: RecordedItem[];
}

/** Folders with recordings: the shared ones, and what was recorded besides. */
const FOLDERS = ['../../../../test/fixtures/freeswitch/', '../../../../test/recordings/'];

export function loadRecordings(): Recording[] {
  const out: Recording[] = [];
  for (const folder of FOLDERS) {
    const url = new URL(folder, import.meta.url);
    let names: string[];
    try {
      names = readdirSync(url);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw error;
    }
    for (const name of names.toSorted()) {
      if (!name.endsWith('.gz')) continue;
      const text = gunzipSync(readFileSync(new URL(name, url))).toString('utf8');
      if (name.endsWith('.json.gz')) {
        const parsed = JSON.parse(text) as Partial<Recording>;
        if (parsed.name !== undefined && parsed.items !== undefined)
          out.push({ name: parsed.name, items: parsed.items });
      } else if (name.endsWith('.txt.gz'))
        out.push(withoutCleanUp(withoutStrangers(parseRawRecording(name.slice(0, -'.txt.gz'.length), text))));
    }
  }
  return out;
}

/** At its end the recorder killed whatever was left, all at once: which leg's end came first then was chance. */
function withoutCleanUp(recording: Recording): Recording {
  const { items } = recording;
  const end = items.findIndex((item, index) => {
    const uuid = /^api uuid_exists (\S+)$/.exec(item.send ?? '')?.[1];
    const next = items.slice(index + 1).find((other) => other.send !== undefined);
    return uuid !== undefined && next?.send === `api uuid_kill ${uuid}`;
  });
  return end < 0 ? recording : { ...recording, items: items.slice(0, end) };
}

/** Some were made side by side on one switch: calls that no command of the recording made are another's. */
function withoutStrangers(recording: Recording): Recording {
  const commands = recording.items.map((item) => item.send ?? '').join('\n');
  const strangers = new Set<string>();
  for (const item of recording.items) {
    const leg = uniqueId(item);
    if (leg !== undefined && header(item, 'Call-Direction') === 'outbound' && !commands.includes(leg))
      strangers.add(leg);
  }
  const foreign = (item: RecordedItem): boolean =>
    item.event !== undefined &&
    (strangers.has(uniqueId(item) ?? '') ||
      strangers.has(header(item, 'Task-Group') ?? '') ||
      (header(item, 'Event-Name') === 'BACKGROUND_JOB' &&
        !recording.items.some(
          (other) => other.reply !== undefined && other.text?.includes(header(item, 'Job-UUID') ?? '') === true,
        )));
  return { ...recording, items: recording.items.filter((item) => !foreign(item)) };
}

export function header(item: RecordedItem, name: string): string | undefined {
  return item.event?.find(([key]) => key === name)?.[1];
}

/** The Unique-ID of a channel event. */
export const uniqueId = (item: RecordedItem): string | undefined => header(item, 'Unique-ID');
