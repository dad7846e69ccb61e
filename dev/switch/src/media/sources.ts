import { join } from 'node:path';
import { parseTgml, readWav, ToneSource } from '@ringback/dev-media';
import { FRAME_SAMPLES, type Frame } from '../session/leg.ts';

/** Something that can be played: one frame of 20 ms after the other until it ends. */
export interface AudioSource {
  /** FreeSWITCH's Playback-File-Type: the format's name where it is not a plain file. */
  readonly kind: string | undefined;
  /** The next frame; undefined at the end. */
  read(): Frame | undefined;
  /** Samples read. */
  readonly position: number;
}

/** What a relative path is looked up in, and who hears of the parts of a list (`open`, `close`, `fail` of a file). */
export interface Sounds {
  dir: string | undefined;
  onListed?: (what: 'open' | 'close' | 'fail', file: string) => void;
}

function pcmSource(samples: Int16Array, kind?: string): AudioSource {
  let position = 0;
  return {
    kind,
    read() {
      if (position >= samples.length) return undefined;
      const frame = new Int16Array(FRAME_SAMPLES);
      frame.set(samples.subarray(position, position + FRAME_SAMPLES));
      position = Math.min(position + FRAME_SAMPLES, samples.length);
      return frame;
    },
    get position() {
      return position;
    },
  };
}

function openFile(sounds: Sounds, path: string): AudioSource | undefined {
  const full = path.startsWith('/') || sounds.dir === undefined ? path : join(sounds.dir, path);
  try {
    return pcmSource(readWav(full));
  } catch {
    // Missing or unreadable alike: FreeSWITCH answers FILE NOT FOUND.
    return undefined;
  }
}

/** file_string://a!b!c: what cannot be opened is skipped, unless nothing can. */
function openFileString(sounds: Sounds, list: string): AudioSource | undefined {
  const rest = list.split('!');
  let current: { source: AudioSource; path: string } | undefined;
  let done = 0;
  const next = (): typeof current => {
    if (current !== undefined) sounds.onListed?.('close', current.path);
    for (let path = rest.shift(); path !== undefined; path = rest.shift()) {
      const source = openSource(sounds, path);
      sounds.onListed?.(source === undefined ? 'fail' : 'open', path);
      if (source !== undefined) return { source, path };
    }
    return undefined;
  };
  current = next();
  if (current === undefined) return undefined;
  return {
    kind: undefined,
    read() {
      while (current !== undefined) {
        const frame = current.source.read();
        if (frame !== undefined) {
          done += FRAME_SAMPLES;
          return frame;
        }
        current = next();
      }
      return undefined;
    },
    get position() {
      return done;
    },
  };
}

/** TGML as `tone_stream://` takes it; undefined when it cannot be read. */
export function openToneStream(spec: string): AudioSource | undefined {
  const parsed = parseTgml(spec);
  if (parsed === undefined) return undefined;
  const tone = new ToneSource(parsed.tone, parsed.loops);
  let position = 0;
  return {
    kind: 'tone_stream',
    read() {
      const frame = tone.pull();
      if (frame !== undefined) position += FRAME_SAMPLES;
      return frame;
    },
    get position() {
      return position;
    },
  };
}

/** A quiet chord for ever: this switch has no music on hold files. */
function localStream(): AudioSource | undefined {
  const tone = openToneStream('%(1000,0,262,330,392);loops=-1');
  return tone === undefined
    ? undefined
    : {
        kind: 'local_stream',
        read: () => tone.read(),
        get position() {
          return tone.position;
        },
      };
}

/** Opens what FreeSWITCH's file formats name; undefined when it does not exist. */
export function openSource(sounds: Sounds, name: string): AudioSource | undefined {
  const bare = name.replace(/^\{[^}]*\}/, '');
  const scheme = /^([a-z_]+):\/\/(.*)$/s.exec(bare);
  if (scheme === null) return openFile(sounds, bare);
  const [, format, rest = ''] = scheme;
  if (format === 'tone_stream') return openToneStream(rest);
  if (format === 'file_string') return openFileString(sounds, rest);
  if (format === 'local_stream') return localStream();
  if (format === 'silence_stream') {
    const ms = Number.parseInt(rest, 10);
    if (Number.isNaN(ms)) return undefined;
    if (ms >= 0) return pcmSource(new Int16Array(ms * 8), 'silence_stream');
    const silence = new Int16Array(FRAME_SAMPLES);
    let position = 0;
    return {
      kind: 'silence_stream',
      read: () => ((position += FRAME_SAMPLES), silence),
      get position() {
        return position;
      },
    };
  }
  return undefined;
}
