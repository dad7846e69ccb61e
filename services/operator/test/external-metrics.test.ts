import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askedFor, discovery, metricValues } from '../src/domain/external-metrics.ts';
import { pool } from './world.ts';

const ROOT = '/apis/external.metrics.k8s.io/v1beta1';
const NOW = Date.parse('2026-01-01T00:00:00Z');

describe('external metrics', () => {
  it('tell the API server what there is', () => {
    const { status, body } = discovery(ROOT) as { status: number; body: { resources: { name: string }[] } };
    assert.equal(status, 200);
    assert.deepEqual(
      body.resources.map((r) => r.name),
      ['ringback_pool_calls', 'ringback_pool_calls_per_second', 'ringback_pool_utilisation_percent'],
    );
    assert.equal(discovery('/apis'), undefined);
  });

  const rows: [path: string, selector: string, expected: number | object][] = [
    [
      '/namespaces/ringback/ringback_pool_calls',
      '',
      { namespace: 'ringback', metric: 'ringback_pool_calls', pool: undefined },
    ],
    [
      '/namespaces/ringback/ringback_pool_calls',
      'ringback.dev/pool=main',
      { namespace: 'ringback', metric: 'ringback_pool_calls', pool: 'main' },
    ],
    ['/namespaces/ringback/toString', '', 404],
    ['/namespaces/ringback/other', '', 404],
    ['/nodes/x', '', 404],
    ['/namespaces/ringback/ringback_pool_calls', 'pool=main', 400],
    ['/namespaces/ringback/ringback_pool_calls', 'ringback.dev/pool in (a,b)', 400],
  ];
  for (const [path, selector, expected] of rows) {
    it(`${path}?${selector}`, () => {
      const asked = askedFor(ROOT + path, selector);
      assert.deepEqual('status' in asked ? asked.status : asked, expected);
    });
  }

  it('are those of the pools asked for, and none of a pool that has told nothing yet', () => {
    const asked = { namespace: 'ringback', metric: 'ringback_pool_calls', pool: undefined };
    const pools = [pool({}, { calls: 12 }), pool()];
    const { body } = metricValues(asked, pools, NOW) as { body: { items: object[] } };
    assert.deepEqual(body.items, [
      {
        metricName: 'ringback_pool_calls',
        metricLabels: { 'ringback.dev/pool': 'main' },
        timestamp: '2026-01-01T00:00:00.000Z',
        value: '12',
      },
    ]);
    for (const other of [
      { ...asked, namespace: 'default' },
      { ...asked, pool: 'other' },
    ]) {
      assert.deepEqual((metricValues(other, pools, NOW).body as { items: object[] }).items, []);
    }
  });
});
