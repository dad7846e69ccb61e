import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ATTRIBUTES, attributeProblem, errorType, METRICS, RESULTS } from '@ringback/service-kit';
import fc from 'fast-check';
import { DOCUMENT, prometheusName, render } from './telemetry-page.ts';

const ROOT = new URL('../../../', import.meta.url);
const SPECS: Record<string, { type: string; values?: unknown; shape?: string; bound?: string }> = ATTRIBUTES;

test('docs/telemetry.md says what the conventions say (make docs writes it again)', async () => {
  assert.equal(await readFile(DOCUMENT, 'utf8'), render());
});

test('every attribute has a closed list, a shape or a type that bounds it; every label a bound', () => {
  for (const [name, spec] of Object.entries(SPECS)) {
    assert.match(name, /^[a-z]+(\.[a-z0-9_]+)+$/);
    assert.ok(spec.type !== 'string' || spec.values || spec.shape, `${name} may hold anything`);
  }
  for (const [name, { attributes, unit, kind }] of Object.entries(METRICS)) {
    assert.match(name, /^[a-z]+(\.[a-z_]+)+$/);
    assert.ok(unit === 's' || /^\{[a-z-]+\}$/.test(unit), `${name}: unit`);
    assert.equal(kind === 'histogram', 'buckets' in METRICS[name as keyof typeof METRICS], `${name}: buckets`);
    for (const label of attributes) {
      const spec = SPECS[label]!;
      assert.ok(spec.values || spec.bound, `${name}: nothing bounds ${label}`);
    }
  }
  const names = (Object.keys(METRICS) as (keyof typeof METRICS)[]).map(prometheusName);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z_]+$/);
  assert.equal(RESULTS.length, 8);
});

/** Of a telephone, an account's PIN as it is keyed, or keys of any kind. */
const number = fc
  .tuple(fc.constantFrom('', '+', '00', 'sip:', 'tel:+'), fc.stringMatching(/^[1-9]\d{6,14}$/))
  .map(([prefix, digits]) => prefix + digits);

test('no attribute of a span takes a number, however it is written', () => {
  const spans = Object.keys(ATTRIBUTES).filter((name) => name !== 'call.access_number');
  fc.assert(
    fc.property(fc.constantFrom(...spans), number, (name, value) => {
      assert.notEqual(attributeProblem(name, value), undefined);
    }),
  );
  assert.equal(attributeProblem('call.caller', 'x'), 'call.caller is not in the conventions');
  assert.equal(attributeProblem('call.result', 'refused'), 'call.result has a value that is not listed');
  assert.equal(attributeProblem('call.result', 'busy'), undefined);
  assert.equal(attributeProblem('call.access_number', '+48223000000'), undefined);
  assert.equal(attributeProblem('call.session_id', '07-019c1a2b-0000-7000-8000-0123456789ab'), undefined);
});

test('an error is told by its class, never by its text', () => {
  assert.equal(errorType(new TypeError('+48601000001 is no number')), 'TypeError');
  assert.equal(errorType(Object.assign(new Error('x'), { code: 'UNAVAILABLE' })), 'UNAVAILABLE');
  assert.equal(errorType(Object.assign(new Error('x'), { code: '23505' })), 'SQLSTATE_23505');
  assert.equal(errorType(Object.assign(new Error('x'), { code: '48601000001' })), 'Error');
  assert.equal(errorType('+48601000001'), 'unknown');
});

/** Attributes and instruments by other ways than the typed ones: nobody would see that they are not in the conventions. */
const OTHER_WAYS =
  /from '@opentelemetry\/|\.create(Counter|Histogram|Gauge|UpDownCounter|Observable\w+)\(|\.setAttributes\(|\.recordException\(/;

test('no code but the service kit speaks to OpenTelemetry', async () => {
  const found: string[] = [];
  for (const part of ['packages', 'services', 'dev', 'cli']) {
    for (const entry of await readdir(new URL(`${part}/`, ROOT), { recursive: true, withFileTypes: true })) {
      const path = `${entry.parentPath}/${entry.name}`;
      if (!entry.isFile() || !/\/src\/.*\.ts$/.test(path) || /\/(node_modules|gen|service-kit)\//.test(path)) continue;
      if (OTHER_WAYS.test(await readFile(path, 'utf8'))) found.push(path);
    }
  }
  assert.deepEqual(found, []);
});
