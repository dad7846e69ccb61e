import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { DOCUMENT, observedTransitions, render } from './transitions.ts';

test('docs/session-transitions.md shows what the code does (make docs writes it again)', async () => {
  assert.equal(await readFile(DOCUMENT, 'utf8'), render(observedTransitions()));
});
