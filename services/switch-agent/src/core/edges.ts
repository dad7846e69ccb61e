import { ofPools, type sw } from '@ringback/contracts';

/** An edge tells its status twice a second; one that was not heard for so long may be dead, µs. */
const FRESH_US = 3_500_000;
/** One that was not heard for so long is forgotten, unless it was configured. */
const FORGET_US = 3_600_000_000;

interface Heard {
  serving: boolean;
  atUs: number;
}

/**
 * Which edge a call goes out by. One that is dead would cost the call 32 s (RFC 3261 section 17.1.1.2, Timer B), so those that
 * say they serve come first, in turn; then those that nothing is known of; then, as nothing better is left, all of them.
 */
export class Edges {
  readonly #switchId: string;
  readonly #configured: readonly string[];
  readonly #heard = new Map<string, Heard>();
  readonly #monotonicUs: () => number;
  #turn = 0;

  constructor(switchId: string, configured: readonly string[], monotonicUs: () => number) {
    this.#switchId = switchId;
    this.#configured = configured;
    this.#monotonicUs = monotonicUs;
  }

  heard({ sipAddress, serving, switchPools }: sw.EdgeStatus): void {
    if (sipAddress === '' || !ofPools(this.#switchId, switchPools)) return;
    this.#heard.set(sipAddress, { serving, atUs: this.#monotonicUs() });
  }

  /** host:port; empty where there is no edge at all: straight to the gateway. */
  next(): string {
    const nowUs = this.#monotonicUs();
    for (const [address, { atUs }] of this.#heard) if (nowUs - atUs > FORGET_US) this.#heard.delete(address);
    const all = [...new Set([...this.#configured, ...this.#heard.keys()])];
    const serving = all.filter((address) => {
      const said = this.#heard.get(address);
      return said?.serving === true && nowUs - said.atUs <= FRESH_US;
    });
    const unknown = all.filter((address) => !this.#heard.has(address));
    const best = serving.length > 0 ? serving : unknown.length > 0 ? unknown : all;
    if (best.length === 0) return '';
    this.#turn += 1;
    return best[this.#turn % best.length] ?? '';
  }
}
