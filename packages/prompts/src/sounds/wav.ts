export const SAMPLE_RATE = 8000;
const HEADER_BYTES = 44;

/** A WAV file of mono PCM16 at 8 kHz. */
export function encodeWav(samples: Int16Array): Buffer {
  const bytes = samples.length * 2;
  const wav = Buffer.alloc(HEADER_BYTES + bytes);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(HEADER_BYTES - 8 + bytes, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(1, 22); // mono
  wav.writeUInt32LE(SAMPLE_RATE, 24);
  wav.writeUInt32LE(SAMPLE_RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(bytes, 40);
  for (const [index, sample] of samples.entries()) wav.writeInt16LE(sample, HEADER_BYTES + index * 2);
  return wav;
}

/**
 * Reads what {@link encodeWav} writes, other chunks before the samples allowed.
 * @throws {Error} when it is another format: a telephone plays 8 kHz, mono, PCM16.
 */
export function decodeWav(wav: Buffer): Int16Array {
  if (wav.toString('latin1', 0, 4) !== 'RIFF' || wav.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error('not a WAV file');
  }
  for (let at = 12; at + 8 <= wav.length; ) {
    const [chunk, bytes] = [wav.toString('latin1', at, at + 4), wav.readUInt32LE(at + 4)];
    const body = at + 8;
    if (chunk === 'fmt ') {
      const format = [wav.readUInt16LE(body), wav.readUInt16LE(body + 2), wav.readUInt32LE(body + 4)];
      if (format.join() !== `1,1,${SAMPLE_RATE}` || wav.readUInt16LE(body + 14) !== 16) {
        throw new Error('not mono PCM16 at 8 kHz');
      }
    }
    if (chunk === 'data') {
      const count = Math.floor(Math.min(bytes, wav.length - body) / 2);
      return Int16Array.from({ length: count }, (_, index) => wav.readInt16LE(body + index * 2));
    }
    at = body + bytes + (bytes % 2);
  }
  throw new Error('no samples');
}
