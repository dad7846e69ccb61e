import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { SAMPLE_RATE } from './api.ts';

export class WavError extends Error {}

/**
 * Samples of a RIFF WAV as PCM16 mono at 8 kHz. Takes PCM16 of any channel count (the first is used) at 8 kHz or a multiple of it
 * (decimated by averaging). Throws `WavError` for anything else.
 */
export function parseWav(data: Uint8Array): Int16Array {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (buffer.length < 12 || buffer.toString('latin1', 0, 4) !== 'RIFF' || buffer.toString('latin1', 8, 12) !== 'WAVE') {
    throw new WavError('not a RIFF WAVE file');
  }
  let format: { channels: number; rate: number } | undefined;
  for (let at = 12; at + 8 <= buffer.length; ) {
    const id = buffer.toString('latin1', at, at + 4);
    const size = buffer.readUInt32LE(at + 4);
    const start = at + 8;
    if (id === 'fmt ' && start + 16 <= buffer.length) {
      const kind = buffer.readUInt16LE(start);
      const bits = buffer.readUInt16LE(start + 14);
      // 0xfffe is WAVE_FORMAT_EXTENSIBLE.
      if ((kind !== 1 && kind !== 0xfffe) || bits !== 16) throw new WavError(`not PCM16 (format ${kind}, ${bits} bit)`);
      format = { channels: buffer.readUInt16LE(start + 2), rate: buffer.readUInt32LE(start + 4) };
      if (format.channels < 1 || format.rate % SAMPLE_RATE !== 0 || format.rate === 0) {
        throw new WavError(`cannot use ${format.channels} channels at ${format.rate} Hz`);
      }
    } else if (id === 'data') {
      if (!format) throw new WavError('data before fmt');
      // Writers of streams leave the size open (0xffffffff): the file's end counts.
      const end = Math.min(start + size, buffer.length);
      return samplesOf(buffer.subarray(start, end), format);
    }
    at = start + size + (size & 1);
  }
  throw new WavError('no data chunk');
}

function samplesOf(bytes: Buffer, { channels, rate }: { channels: number; rate: number }): Int16Array {
  const factor = rate / SAMPLE_RATE;
  const frameBytes = channels * 2;
  const samples = new Int16Array(Math.floor(bytes.length / frameBytes / factor));
  for (let i = 0; i < samples.length; i += 1) {
    let sum = 0;
    for (let j = 0; j < factor; j += 1) sum += bytes.readInt16LE((i * factor + j) * frameBytes);
    samples[i] = Math.round(sum / factor);
  }
  return samples;
}

/** Reads a file; see `parseWav`. Throws also what `readFileSync` throws. */
export function readWav(path: string): Int16Array {
  return parseWav(readFileSync(path));
}

function wavHeader(samples: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples * 2, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples * 2, 40);
  return header;
}

/** A WAV file of PCM16 mono at 8 kHz. */
export function formatWav(samples: Int16Array): Buffer {
  return Buffer.concat([
    wavHeader(samples.length),
    Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength),
  ]);
}

/** Writes a WAV as frames come; the header is put right by `close`. */
export class WavWriter {
  #file: number | undefined;
  #samples = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    writeSync(this.#file, wavHeader(0));
  }

  get durationMs(): number {
    return (this.#samples * 1000) / SAMPLE_RATE;
  }

  push(frame: Int16Array): void {
    if (this.#file === undefined) return;
    writeSync(this.#file, new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
    this.#samples += frame.length;
  }

  close(): void {
    if (this.#file === undefined) return;
    writeSync(this.#file, wavHeader(this.#samples), 0, 44, 0);
    closeSync(this.#file);
    this.#file = undefined;
  }
}
