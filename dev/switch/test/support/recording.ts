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
      if (name.endsWith('.json.gz')) out.push(JSON.parse(text) as Recording);
      else if (name.endsWith('.txt.gz')) out.push(parseRawRecording(name.slice(0, -'.txt.gz'.length), text));
    }
  }
  return out;
}

export function header(item: RecordedItem, name: string): string | undefined {
  return item.event?.find(([key]) => key === name)?.[1];
}

/** The Unique-ID of a channel event. */
export const uniqueId = (item: RecordedItem): string | undefined => header(item, 'Unique-ID');
