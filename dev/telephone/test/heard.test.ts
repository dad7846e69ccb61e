import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderTone, steadyTone } from '@ringback/dev-media';
import { Heard } from '../src/heard.ts';
import { ToneListener } from '../src/tone-listener.ts';
import { Waiters } from '../src/waiters.ts';

const FRAME = 160;

/** Frames at these moments with these timestamps (in frames); how long the stream then is, in frames. */
function length(frames: readonly [atMs: number, timestamp: number][]): number {
  const heard = new Heard(undefined, [], new Waiters());
  for (const [atMs, timestamp] of frames) {
    heard.push(new Int16Array(FRAME).fill(500), { atMs, timestamp: (timestamp * FRAME) >>> 0, lost: 0 });
  }
  return heard.durationMs / 20;
}

const steady = (count: number, atMs: number, timestamp: number): [number, number][] =>
  Array.from({ length: count }, (_, i) => [atMs + i * 20, timestamp + i]);

describe('where a stream has holes', () => {
  test('none in one that is steady, or that came late but whole', () => {
    assert.equal(length(steady(50, 1000, 7)), 50);
    assert.equal(length([...steady(10, 1000, 0), ...steady(10, 3000, 10)]), 20);
  });

  test('what its timestamps left out, once that time has passed', () => {
    assert.equal(length([...steady(10, 1000, 0), ...steady(10, 1400, 20)]), 30);
  });

  test('one that is behind for good has only the holes of its timestamps', () => {
    const behind = [...steady(10, 1000, 0), ...steady(10, 3000, 10)];
    assert.equal(length([...behind, ...steady(10, 3220, 21)]), 31);
  });

  test('timestamps that begin anew: by arrival', () => {
    assert.equal(length([...steady(10, 1000, 5_000_000), ...steady(10, 1400, 3)]), 30);
  });
});

test('the longest time without a tone: before it, between two stretches, or until now', () => {
  const listener = new ToneListener([1100]);
  const sound = renderTone(steadyTone(1100, 1000)).subarray(0, FRAME);
  const push = (ms: number, frame: Int16Array): void => {
    for (let at = 0; at < ms; at += 20) listener.push(frame);
  };
  const silent = new Int16Array(FRAME);
  push(400, silent);
  push(200, sound);
  assert.equal(listener.longestGapMs(1100, 0), 400);
  assert.equal(listener.longestGapMs(1100, 300), 100);
  push(600, silent);
  assert.equal(listener.longestGapMs(1100, 0), 600);
  push(100, sound);
  assert.equal(listener.longestGapMs(1100, 0), 600);
  assert.equal(listener.longestGapMs(1100, 1200), 0);
  assert.equal(listener.longestGapMs(1900, 0), 1300);
});
