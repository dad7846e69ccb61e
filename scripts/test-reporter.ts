import type { TestEvent } from 'node:test/reporters';

/**
 * Reporter of the test runner: failures in full, one line a file, and as the last line the sum that CI reads. A test that
 * was skipped or marked as to do counts as failed.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  for await (const event of source) {
    if (event.type === 'test:pass') {
      if (event.data.details.type === 'suite') continue;
      if (event.data.skip !== undefined || event.data.todo !== undefined) {
        failed += 1;
        yield `skipped: ${event.data.name} (${event.data.file})\n`;
      } else passed += 1;
    } else if (event.type === 'test:fail') {
      const { name, file, details } = event.data;
      // A file or suite fails with its tests; it counts by itself only when it broke outside of them.
      const { error } = details;
      if (error && 'failureType' in error && error.failureType === 'subtestsFailed') continue;
      failed += 1;
      const cause = error?.cause;
      yield `FAILED: ${name} (${file})\n${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? error)}\n`;
    } else if (event.type === 'test:diagnostic' && event.data.message.startsWith('note:')) {
      yield `${event.data.message}\n`;
    } else if (event.type === 'test:stdout' && /^compared \d+ of \d+/.test(event.data.message)) {
      yield event.data.message;
    }
  }
  yield `${passed} passed, ${failed} failed\n`;
}
