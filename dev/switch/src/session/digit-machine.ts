import type { Session } from './session.ts';

interface Binding {
  realm: string;
  digits: string;
  action: string;
}

/** FreeSWITCH's default digit timeout of a digit machine (recording s10k: a lone `#` is held for about 1.5 s). */
const DIGIT_TIMEOUT_MS = 1500;

/**
 * switch_ivr_dmachine as bind_digit_action uses it: digits that may become a bound sequence are held, a sequence is
 * swallowed and its action run, everything else is passed on as digits of the application (source APP, 250 ms).
 */
export class DigitMachine {
  readonly #session: Session;
  #bindings: Binding[] = [];
  #realm: string | undefined;
  #held = '';
  #exists = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether digits go through it: from the first binding until `clear_digit_action all`. */
  get active(): boolean {
    return this.#exists;
  }

  /** The realm of the first binding is set with it (recording s10h). */
  bind(realm: string, digits: string, action: string): void {
    this.#bindings = this.#bindings.filter((binding) => binding.realm !== realm || binding.digits !== digits);
    this.#bindings.push({ realm, digits, action });
    this.#realm ??= realm;
    this.#exists = true;
  }

  setRealm(realm: string): void {
    this.#release();
    this.#realm = realm === 'none' ? undefined : realm;
  }

  /**
   * Forgets one realm, or all; held digits are passed on. One realm alone leaves the machine on the leg: it then holds
   * whatever is keyed until 1.5 s pass without a key (found on the real one, with the recording x09).
   */
  clear(realm?: string): void {
    this.#release();
    if (realm === undefined) this.#exists = false;
    this.#bindings = realm === undefined ? [] : this.#bindings.filter((binding) => binding.realm !== realm);
    if (realm === undefined || this.#realm === realm) this.#realm = undefined;
  }

  feed(digit: string): void {
    clearTimeout(this.#timer);
    this.#held += digit;
    const candidates = this.#bindings.filter((binding) => binding.realm === this.#realm);
    const exact = candidates.find((binding) => binding.digits === this.#held);
    const longer = candidates.some(
      (binding) => binding.digits.length > this.#held.length && binding.digits.startsWith(this.#held),
    );
    if (candidates.length === 0) this.#timer = setTimeout(() => this.#release(), DIGIT_TIMEOUT_MS);
    else if (exact !== undefined && !longer) this.#match(exact);
    else if (exact === undefined && !longer) this.#release();
    else this.#timer = setTimeout(() => (exact === undefined ? this.#release() : this.#match(exact)), DIGIT_TIMEOUT_MS);
  }

  #match(binding: Binding): void {
    this.#session.channel.set('last_matching_digits', this.#held);
    this.#held = '';
    this.#run(binding.action);
  }

  #release(): void {
    clearTimeout(this.#timer);
    if (this.#held === '') return;
    const digits = this.#held;
    this.#held = '';
    this.#session.channel.set('last_non_matching_digits', digits);
    for (const digit of digits) this.#session.queueDigit({ digit, duration: 2000, source: 'APP' });
  }

  #run(action: string): void {
    const session = this.#session;
    const exec = /^exec(\[[^\]]*\])?:([^,]*),?(.*)$/s.exec(action);
    if (exec !== null) {
      const [, flags, app = '', data = ''] = exec;
      if (flags?.includes('i') === true) session.queueInline({ app, data });
      else session.core.broadcastWithHold(session, app, data);
      return;
    }
    const api = /^api:([^,]*),?(.*)$/s.exec(action);
    if (api !== null) void session.core.api.run(api[1] ?? '', api[2] ?? '');
  }
}
