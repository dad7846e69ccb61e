import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FinishedSpan } from '@ringback/service-kit';
import { run } from '../src/run.ts';
import { renderTrace } from '../src/trace.ts';

const span = (spanId: string, parentSpanId: string | undefined, fields: Partial<FinishedSpan>): FinishedSpan => ({
  traceId: 'ab'.repeat(16),
  spanId,
  parentSpanId,
  name: spanId,
  service: 'dialer',
  kind: 'internal',
  startUs: 1_000_000,
  endUs: 1_001_500,
  attributes: {},
  error: undefined,
  ...fields,
});

test('a trace is a tree: who did what, with whom, how long, and how it ended', () => {
  const spans = [
    span('a', undefined, {
      name: 'sip INVITE a',
      service: 'switch-agent',
      attributes: { 'sip.method': 'INVITE', 'sip.status_code': 486, 'call.cause': 'USER_BUSY' },
      events: [{ name: 'ringing', atUs: 1_000_500 }],
    }),
    span('b', 'a', {
      name: 'session leg:ended',
      attributes: { 'db.system.name': 'postgresql', 'call.phase_from': 'calling_a', 'call.phase_to': 'retrying' },
    }),
    span('c', 'b', { name: 'settle', startUs: 1_002_000, endUs: 1_002_250, error: 'UNAVAILABLE' }),
    span('d', 'a', { name: 'esl uuid_kill', startUs: 1_003_000, endUs: 1_003_000, attributes: { 'esl.command': 'x' } }),
    span('e', 'pending', { name: 'in mid-call', startUs: 1_004_000, endUs: 1_004_000 }),
    span('f', 'pending', { name: 'a moment later', startUs: 1_005_000, endUs: 1_005_000 }),
  ];
  assert.equal(
    renderTrace(spans),
    [
      `trace ${'ab'.repeat(16)}: 6 spans of dialer, switch-agent`,
      '       0.0 ms  ├─ sip INVITE a  [switch-agent, sip] 1.5 ms, ringing +0.5, 486, USER_BUSY',
      '       0.0 ms  │  ├─ session leg:ended  [dialer, postgresql] 1.5 ms, calling_a → retrying',
      '       2.0 ms  │  │  └─ settle  [dialer] 0.3 ms, FAILED: UNAVAILABLE',
      '       3.0 ms  │  └─ esl uuid_kill  [dialer, esl] 0.0 ms',
      '       4.0 ms  └─ … (goes on, or was not told)',
      '       4.0 ms     ├─ in mid-call  [dialer] 0.0 ms',
      '       5.0 ms     └─ a moment later  [dialer] 0.0 ms',
    ].join('\n'),
  );
  assert.equal(renderTrace([]), 'no spans of this trace are kept (any more)');
});

test('`session` is `sessions`', async () => {
  for (const name of ['session', 'sessions']) {
    let said = '';
    const status = await run([name, 'show', '--help'], { stdout: (text) => (said += text), stderr: () => undefined });
    assert.equal(status, 0);
    assert.match(said, /--trace/);
  }
});
