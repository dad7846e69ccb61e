import { relative, resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** As much of what a broken file said last as helps. */
const LAST_WORDS = 4_000;
/** What tests have to say besides: among it how the dev switch differs from the recordings. */
const TOLD = /^(note:|compared \d|differs: |DIFFERS: |not compared: )/;

/** A file is reported as a test of its own when it breaks, or holds none; its name is its path as it was given. */
const isFile = (name: string, file: string): boolean => resolve(name) === file;

/**
 * Reporter of the test runner: failures in full, a line a file, and as the last line the sum that CI reads. A test that was skipped or
 * marked as to do counts as failed, and so does a file that broke outside of its tests or holds none.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  const said = new Map<string, string>();
  for await (const event of source) {
    if (event.type === 'test:pass') {
      const { name, file = '', details, skip, todo } = event.data;
      if (details.type === 'suite') continue;
      if (skip !== undefined || todo !== undefined) {
        failed += 1;
        yield `FAILED: ${name} (${file})\nit is skipped\n`;
      } else if (isFile(name, file)) {
        failed += 1;
        yield `FAILED: ${relative('.', file)}\nthere is no test in it\n${said.get(file) ?? ''}`;
      } else passed += 1;
    } else if (event.type === 'test:fail') {
      const { name, file = '', details } = event.data;
      // A file or suite fails with its tests; it counts by itself only when it broke outside of them.
      const { error } = details;
      if (error && 'failureType' in error && error.failureType === 'subtestsFailed') continue;
      failed += 1;
      const cause = error?.cause;
      if (isFile(name, file)) {
        const { exitCode, signal } = (error ?? {}) as { exitCode?: number; signal?: string };
        const how = signal ? `was killed by ${signal}` : `ended with ${exitCode}`;
        yield `FAILED: ${relative('.', file)}\nits process ${how}\n${said.get(file) ?? ''}`;
        continue;
      }
      yield `FAILED: ${name} (${file})\n${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? error)}\n`;
    } else if (event.type === 'test:stderr') {
      const { file, message } = event.data;
      const path = resolve(file);
      said.set(path, `${said.get(path) ?? ''}${message}`.slice(-LAST_WORDS));
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      const { file, counts, duration_ms: ms } = event.data;
      yield `${(ms / 1000).toFixed(1).padStart(6)} s  ${relative('.', file)}: ${counts.passed} of ${counts.tests}\n`;
    } else if (event.type === 'test:diagnostic' && TOLD.test(event.data.message)) {
      yield `${event.data.message}\n`;
    }
  }
  yield `${passed} passed, ${failed} failed\n`;
}
