import { hash, verify } from '@node-rs/argon2';

/** Hashing of PINs: argon2id (RFC 9106). */
export interface Pins {
  hash(pin: string): Promise<string>;
  /** Takes the same time whether or not there is such an account. */
  matches(pin: string, stored: string | undefined): Promise<boolean>;
}

export async function createPins(options: { memoryKib: number; passes: number }): Promise<Pins> {
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
      const right = await verify(stored ?? nobody, pin);
      return right && stored !== undefined;
    },
  };
}
