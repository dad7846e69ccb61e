import { spawn } from 'node:child_process';
import type { LanguageFile } from '../language-data.ts';
import { SAMPLE_RATE } from './wav.ts';

/** Makes speech of a text: mono PCM16 at 8 kHz, untrimmed. */
export type Speak = (text: string, voice: LanguageFile['voice']) => Promise<Int16Array>;

/** Speaks with the programs espeak-ng and sox (Debian packages of these names). @throws {Error} with what they say. */
export const espeak: Speak = async (text, voice) => {
  const wav = await run(
    'espeak-ng',
    ['-v', voice.espeak, '-s', String(voice.wordsPerMinute), '-p', String(voice.pitch), '--stdin', '--stdout'],
    Buffer.from(text),
  );
  const raw = ['-t', 'raw', '-e', 'signed-integer', '-b', '16', '-c', '1', '-L'];
  const pcm = await run(
    'sox',
    ['-D', ...raw, '-r', String(wav.readUInt32LE(24)), '-', ...raw, '-r', String(SAMPLE_RATE), '-', 'highpass', '120'],
    wav.subarray(44), // the header's length is not known to a program that writes to a pipe
  );
  return Int16Array.from({ length: Math.floor(pcm.length / 2) }, (_, index) => pcm.readInt16LE(index * 2));
};

function run(program: string, args: readonly string[], input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args);
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', (error) => reject(new Error(`${program} cannot be run: ${error.message}`, { cause: error })));
    child.on('close', (code) =>
      code === 0
        ? resolve(Buffer.concat(out))
        : reject(new Error(`${program} ended with ${code}: ${Buffer.concat(errors).toString().trim()}`)),
    );
    child.stdin.on('error', () => {}); // it ended early: `close` says why
    child.stdin.end(input);
  });
}
