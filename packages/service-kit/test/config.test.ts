import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, knob, readConfig } from '@ringback/service-kit';

const KNOBS = {
  LISTEN: knob.address({ doc: 'where' }),
  DELAY: knob.duration({ doc: 'how long', default: 4_000, min: 1_000 }),
  SHARDS: knob.integer({ doc: 'how many', default: 64, min: 1, max: 64 }),
};

test('defaults and units', () => {
  assert.deepEqual(readConfig(KNOBS, { LISTEN: '127.0.0.1:1' }), { LISTEN: '127.0.0.1:1', DELAY: 4_000, SHARDS: 64 });
  assert.equal(readConfig(KNOBS, { LISTEN: 'a:1', DELAY: '1.5m' }).DELAY, 90_000);
});

for (const [env, said] of [
  [{}, /^LISTEN: is not set \(where\)/],
  [{ LISTEN: 'nonsense' }, /^LISTEN: wants host:port, got "nonsense"/],
  [{ LISTEN: 'a:70000' }, /^LISTEN: wants host:port/],
  [{ LISTEN: 'a:1', DELAY: '4' }, /^DELAY: wants a duration like 250ms/],
  [{ LISTEN: 'a:1', DELAY: '5ms' }, /^DELAY: must be at least 1000 ms/],
  [{ LISTEN: 'a:1', SHARDS: '65' }, /^SHARDS: must be at most 64, got 65/],
  [{ SHARDS: 'x' }, /^LISTEN: is not set .*; SHARDS: wants a whole number/],
] as const) {
  test(`refuses ${JSON.stringify(env)}`, () => {
    assert.throws(
      () => readConfig(KNOBS, env as Record<string, string>),
      (error) => error instanceof ConfigError && said.test(error.message),
    );
  });
}
