import { hash, verify } from '@node-rs/argon2';

/** Hashing of PINs: argon2id (RFC 9106). */
export interface Pins {
  hash(pin: string): Promise<string>;
  /** Takes the same time whether or not there is such an account. */
  matches(pin: string, stored: string | undefined): Promise<boolean>;
}

/** `compare`: argon2's verify, which a test may watch. */
export async function createPins(
  options: { memoryKib: number; passes: number },
  compare: typeof verify = verify,
): Promise<Pins> {
  // argon2id is the library's default algorithm.
  const settings = {
    memoryCost: options.memoryKib,
    timeCost: options.passes,
    parallelism: 1,
  };
  // Compared against where there is no account, so that nobody learns from the clock which accounts exist.
  const nobody = await hash(crypto.randomUUID(), settings);
  return {
    hash: (pin) => hash(pin, settings),
    async matches(pin, stored) {
      const right = await compare(stored ?? nobody, pin);
      return right && stored !== undefined;
    },
  };
}
