import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LANGUAGES_DIR, Prompts, SOUNDS_DIR } from '@ringback/prompts';
import {
  decodeWav,
  encodeWav,
  espeak,
  makeSounds,
  renderSound,
  soundFile,
  soundStates,
  type Speak,
} from '@ringback/prompts/sounds';

const prompts = new Prompts();
const dir = mkdtempSync(join(tmpdir(), 'prompts-'));
after(() => rmSync(dir, { recursive: true }));

const rms = (samples: Int16Array): number =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length));
const decibels = (level: number): number => 20 * Math.log10(level / 32_768);
/** Levels of blocks of 20 ms. */
const levels = (samples: Int16Array): number[] =>
  Array.from({ length: Math.floor(samples.length / 160) }, (_, n) => rms(samples.subarray(n * 160, n * 160 + 160)));

for (const lang of prompts.languages()) {
  describe(`${lang}: the sounds of the repository`, () => {
    const language = prompts.language(lang);
    const sounds = new Map(
      [...language.catalogue.keys()].map(
        (id) => [id, decodeWav(readFileSync(soundFile(SOUNDS_DIR, lang, id)))] as const,
      ),
    );

    test('are made of the texts as they are today', () => {
      const off = [...soundStates(SOUNDS_DIR, language)].filter(([, state]) => state !== 'current');
      assert.deepEqual(off, []);
    });

    test('begin and end without dead air', () => {
      for (const [id, samples] of sounds) {
        const loud = levels(samples).map((level) => decibels(level) > -55);
        assert.ok(loud.indexOf(true) <= 2, `${id} begins with silence`);
        const tail = (loud.length - 1 - loud.lastIndexOf(true)) * 20;
        const { ends } = language.catalogue.get(id)!;
        const most = { word: 60, phrase: 240, sentence: 420 }[ends];
        assert.ok(tail <= most, `${id} ends with ${tail} ms of silence`);
        if (ends === 'sentence') assert.ok(tail >= 260, `${id} ends without a pause`);
      }
    });

    test('are equally loud and never clip', () => {
      for (const [id, samples] of sounds) {
        const all = levels(samples);
        const loudest = Math.max(...all);
        const speech = all.filter((level) => level > loudest / 20);
        const mean = decibels(Math.sqrt(speech.reduce((sum, level) => sum + level * level, 0) / speech.length));
        assert.ok(mean > -24 && mean < -18, `${id}: ${mean.toFixed(1)} dB`);
        const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
        assert.ok(decibels(peak) < -1.4, `${id} peaks at ${decibels(peak).toFixed(1)} dB`);
      }
    });

    test('sound different from one another', () => {
      const heard = [...sounds].map(([id, samples]) => ({ id, samples, level: rms(samples) }));
      for (const [index, a] of heard.entries()) {
        for (const b of heard.slice(index + 1)) {
          if (Math.abs(a.samples.length - b.samples.length) > 160) continue;
          const length = Math.min(a.samples.length, b.samples.length);
          let product = 0;
          for (let at = 0; at < length; at += 1) product += (a.samples[at] ?? 0) * (b.samples[at] ?? 0);
          const correlation = product / (length * a.level * b.level);
          // Inflected words differ in their last sound only ("grosze", "groszy"); sentences differ from the start.
          const most = language.catalogue.get(a.id)!.ends === 'sentence' ? 0.4 : 0.97;
          assert.ok(correlation < most, `${a.id} sounds like ${b.id} (${correlation.toFixed(2)})`);
        }
      }
    });

    test('are what the speech program says today', async () => {
      for (const id of ['welcome', 'n7', 'ask_pin']) {
        const fresh = decodeWav(await renderSound(language, id, espeak));
        const kept = sounds.get(id)!;
        assert.ok(Math.abs(fresh.length - kept.length) <= 160, `${id}: ${fresh.length} and ${kept.length} samples`);
        const product = kept.reduce((sum, sample, at) => sum + sample * (fresh[at] ?? 0), 0);
        assert.ok(product / (kept.length * rms(kept) * rms(fresh)) > 0.9, `${id} sounds different`);
      }
    });
  });
}

describe('making sounds', () => {
  const english = prompts.language('en');
  /** A tone as long as the text, between silences: quick, and different for each text. */
  const tone: Speak = async (text) =>
    Int16Array.from({ length: 2400 + text.length * 80 }, (_, at) =>
      at < 800 || at > 1600 + text.length * 80 ? 0 : Math.round(9000 * Math.sin(at * (0.3 + text.length / 100))),
    );
  const recording = encodeWav(Int16Array.from({ length: 8000 }, (_, at) => Math.round(5000 * Math.sin(at / 3))));
  const counts = (states: Map<string, string>) =>
    Object.fromEntries([...Map.groupBy(states.values(), (state) => state)].map(([state, all]) => [state, all.length]));

  test('makes what is missing or stale, keeps recordings, removes what is no more', async () => {
    const sounds = join(dir, 'sounds');
    const size = english.catalogue.size;
    assert.deepEqual(counts(await makeSounds(sounds, english, tone)), { missing: size });
    assert.deepEqual(counts(soundStates(sounds, english)), { current: size });

    const own = soundFile(sounds, 'en', 'goodbye');
    writeFileSync(own, recording);
    const unlisted = soundFile(sounds, 'en', 'welcome');
    rmSync(unlisted);
    const manifestFile = join(sounds, 'en', 'manifest.json');
    const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as Record<string, { text: string; sound: string }>;
    manifest.apology!.text = 'another';
    manifest.goodbye!.text = 'another';
    manifest.long_gone = manifest.n1!;
    writeFileSync(manifestFile, JSON.stringify(manifest));
    writeFileSync(soundFile(sounds, 'en', 'long_gone'), readFileSync(soundFile(sounds, 'en', 'n1')));
    const expected = { current: size - 3, missing: 1, stale: 1, outdated_recording: 1, orphan: 1 };
    assert.deepEqual(counts(soundStates(sounds, english)), expected);
    const cli = fileURLToPath(new URL('../src/make-sounds.ts', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [cli, '--check', '--sounds', sounds], { encoding: 'utf8' });
    assert.equal(status, 1);
    for (const line of [
      /en\/welcome: missing/,
      /en\/apology: stale/,
      /en\/goodbye: a recording of your own of an older/,
    ]) {
      assert.match(stdout, line);
    }

    await makeSounds(sounds, english, tone);
    assert.deepEqual(counts(soundStates(sounds, english)), { current: size - 1, outdated_recording: 1 });
    assert.deepEqual(readFileSync(own), recording);
    assert.throws(() => readFileSync(soundFile(sounds, 'en', 'long_gone')), /ENOENT/);
  });

  test('two files swapped are noticed', async () => {
    const sounds = join(dir, 'swapped');
    await makeSounds(sounds, english, tone);
    const [a, b] = [soundFile(sounds, 'en', 'ask_pin'), soundFile(sounds, 'en', 'reason_busy')];
    const [wavA, wavB] = [readFileSync(a), readFileSync(b)];
    writeFileSync(a, wavB);
    writeFileSync(b, wavA);
    const states = soundStates(sounds, english);
    assert.deepEqual([states.get('ask_pin'), states.get('reason_busy')], ['recording', 'recording']);
  });

  test('what was made before a failure stays known', async () => {
    const sounds = join(dir, 'broken');
    const mute: Speak = async (text, voice) => (text === 'ninety' ? new Int16Array(4000) : tone(text, voice));
    await assert.rejects(makeSounds(sounds, english, mute), /en\/n90 cannot be made: nothing to be heard/);
    const states = counts(soundStates(sounds, english));
    assert.equal(states.recording, undefined);
    assert.ok((states.missing ?? 0) >= 1);
  });

  test('a speech program that is not there is named', async () => {
    const path = process.env.PATH;
    process.env.PATH = dir;
    await assert.rejects(renderSound(english, 'welcome', espeak), /espeak-ng cannot be run/);
    process.env.PATH = path;
  });

  test('the languages shipped are where the package says', () => {
    assert.deepEqual(new Prompts(LANGUAGES_DIR).languages(), ['en', 'pl']);
  });
});
