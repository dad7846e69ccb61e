import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { codecs, parseWav, readWav, renderTone, steadyTone } from '@ringback/dev-media';
import {
  MARKERS,
  type Prompt,
  PromptLibrary,
  PromptRecogniser,
  preparePrompt,
  type Recognised,
} from '@ringback/dev-telephone';
import { readSwapped, speak, speakAll, TEXTS } from './speech.ts';

const spoken = speakAll(TEXTS);
after(spoken.remove);
const library = PromptLibrary.load(spoken.directory, { notchHz: MARKERS });

/** Numbers that look random and are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

function shuffled(seed: number): Prompt[] {
  const next = random(seed);
  return library.prompts
    .map((prompt) => ({ prompt, key: next() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ prompt }) => prompt);
}

const named = ({ lang, id }: { lang: string; id: string }): string => `${lang}/${id}`;
const original = new Map(
  library.prompts.map((prompt) => [named(prompt), readWav(`${spoken.directory}/${named(prompt)}.wav`)]),
);

function join(parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Listens to samples as they come over a telephone line: G.711, 20 ms frames, `change` for what happens to them on the way. */
function listen(
  samples: Int16Array,
  law: 'PCMA' | 'PCMU' = 'PCMA',
  change: (frame: Int16Array, index: number) => Int16Array = (frame) => frame,
): Recognised[] {
  const recogniser = new PromptRecogniser(library);
  const heard: Recognised[] = [];
  recogniser.onPrompt = (prompt) => heard.push(prompt);
  for (let at = 0, i = 0; at < samples.length; at += 160, i += 1) {
    const frame = codecs[law].decode(codecs[law].encode(samples.subarray(at, at + 160)));
    recogniser.push(change(frame, i));
  }
  recogniser.end();
  return heard;
}

test('every prompt in any order, back to back, at any framing, through both laws and gains, is named, whole, at its time', () => {
  for (const [seed, law, gain] of [
    [1, 'PCMA', 1],
    [2, 'PCMU', 0.25],
    [3, 'PCMA', 1.7],
    [4, 'PCMU', 0.08],
  ] as const) {
    const order = shuffled(seed);
    const next = random(seed);
    const starts: number[] = [];
    const parts: Int16Array[] = [];
    let at = 0;
    for (const prompt of order) {
      const pause = new Int16Array(Math.floor(next() < 0.5 ? 0 : next() * 3000));
      const samples = (original.get(named(prompt)) ?? new Int16Array()).map((sample) =>
        Math.max(-32_768, Math.min(32_767, sample * gain)),
      );
      starts.push(at + pause.length);
      parts.push(pause, samples);
      at += pause.length + samples.length;
    }
    const heard = listen(join(parts), law);
    assert.deepEqual(heard.map(named), order.map(named));
    heard.forEach((prompt, i) => {
      assert(prompt.complete, prompt.id);
      assert(
        Math.abs(prompt.startMs - (starts[i] ?? 0) / 8) < 2,
        `${prompt.id} ${prompt.startMs} ${(starts[i] ?? 0) / 8}`,
      );
    });
  }
});

test('1 % of the packets lost, and now and then one doubled: at least 97 % of the prompts are named and nothing else is', () => {
  const order = [...shuffled(5), ...shuffled(6)];
  const parts = order.flatMap((prompt) => [original.get(named(prompt)) ?? new Int16Array(), new Int16Array(800)]);
  const next = random(9);
  const heard = listen(join(parts), 'PCMA', (frame) => (next() < 0.01 ? new Int16Array(160) : frame)).map(named);
  let found = 0;
  for (let i = 0, j = 0; i < order.length && j < heard.length; i += 1) {
    if (named(order[i] as Prompt) === heard[j]) {
      found += 1;
      j += 1;
    }
  }
  assert.equal(found, heard.length, 'something was named that was not played');
  assert(found >= 0.97 * order.length, `${found} of ${order.length}`);
});

test('a gap of some frames inside a prompt does not break it in two', () => {
  const pin = original.get('en/enter-pin') ?? new Int16Array();
  const heard = listen(join([pin.subarray(0, 9600), new Int16Array(320), pin.subarray(9600)]));
  assert.deepEqual(
    heard.map(({ id, complete }) => [id, complete]),
    [['enter-pin', true]],
  );
});

test('cut off after 0.7 s a prompt is still named; where others begin alike they are named too, as alternatives', () => {
  for (const [id, alike] of [
    ['one-minute-left', []],
    ['enter-pin', ['enter-pin-again']],
    ['busy', ['no-answer', 'unallocated']],
  ] as const) {
    const [heard] = listen(
      join([
        new Int16Array(777),
        (original.get(`en/${id}`) ?? new Int16Array()).subarray(0, 5600),
        new Int16Array(8000),
      ]),
    );
    assert(heard);
    assert(!heard.complete);
    assert([heard.id, ...heard.alternatives].includes(id), `${heard.id} ${heard.alternatives}`);
    for (const other of [heard.id, ...heard.alternatives]) assert(([id, ...alike] as string[]).includes(other), other);
  }
});

test('0.2 s of a prompt are no prompt; neither are silence, tones and other speech', () => {
  const other = join([
    speak('en', 'The quick brown fox jumps over the lazy dog.'),
    speak('pl', 'Wszystkie te słowa są tu obce.'),
  ]);
  assert.deepEqual(
    listen(join([(original.get('en/one-minute-left') ?? new Int16Array()).subarray(0, 1600), new Int16Array(8000)])),
    [],
  );
  assert.deepEqual(listen(join([new Int16Array(16_000), renderTone(steadyTone(425, 2000)), other])), []);
});

test('a marker tone louder than the prompt does not hide it', () => {
  const samples = join([
    new Int16Array(4000),
    original.get('en/one-minute-left') ?? new Int16Array(),
    new Int16Array(4000),
  ]);
  const mixed = samples.map((sample, i) =>
    Math.max(-32_768, Math.min(32_767, sample + 5000 * Math.sin((2 * Math.PI * MARKERS[0] * i) / 8000))),
  );
  assert.deepEqual(listen(mixed).map(named), ['en/one-minute-left']);
});

test('two exchanged files are told', () => {
  const swapped = readSwapped(spoken.directory, 'en/six', 'en/sixty');
  assert.deepEqual(listen(join([parseWav(swapped.a), parseWav(swapped.b)])).map(named), ['en/sixty', 'en/six']);
});

test('a begun prompt is announced before it ends', () => {
  const recogniser = new PromptRecogniser(library);
  const events: string[] = [];
  recogniser.onBegin = ({ id }) => events.push(`begin ${id} ${Math.round(recogniser.positionMs / 100) / 10}`);
  recogniser.onPrompt = ({ id }) => events.push(`end ${id}`);
  const pin = original.get('en/one-minute-left') ?? new Int16Array();
  for (let at = 0; at < pin.length; at += 160) recogniser.push(pin.subarray(at, at + 160));
  recogniser.end();
  assert.match(events[0] ?? '', /^begin one-minute-left 0\.[5-8]$/);
  assert.equal(events[1], 'end one-minute-left');
});

test('a silent file is refused by name', () => {
  assert.throws(() => preparePrompt('en', 'nothing', new Int16Array(8000)), /en\/nothing is silent/);
});

test('cheap enough: ten calls at once take less than a core', () => {
  const samples = join(shuffled(8).map((prompt) => original.get(named(prompt)) ?? new Int16Array()));
  const before = process.cpuUsage();
  listen(samples);
  const { user } = process.cpuUsage(before);
  const share = user / 1e6 / (samples.length / 8000);
  assert(share < 0.08, `${(share * 100).toFixed(1)} % of a core a call`);
});
