/** Something that was to happen in a test did not. */
export class ExpectationFailed extends Error {
  override readonly name = 'ExpectationFailed';
}

/** Promises that wait for a condition, looked at whenever something has happened. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Something has happened. */
  notify(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves with what `look` returns as soon as that is not undefined; `look` may throw. After `timeoutMs` it fails with `why()`. */
  until<T>(look: () => T | undefined, timeoutMs: number, why: () => string): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#waiting.delete(check);
        clearTimeout(timer);
      };
      const check = (): void => {
        try {
          const found = look();
          if (found === undefined) return;
          done();
          resolve(found);
        } catch (error) {
          done();
          reject(error as Error);
        }
      };
      const timer = setTimeout(() => {
        done();
        reject(new ExpectationFailed(why()));
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }
}
