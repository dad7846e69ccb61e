import { type CallPlan, type Reaction, reaction } from './call-plan.ts';
import type { Random } from './random.ts';
import type { Channel, FarEnd } from './switch/channel.ts';
import type { SimSwitch } from './switch/switch.ts';
import type { Dialled, DialPlan } from './switch/world.ts';

const SECOND = 1_000_000;
const KEY_US = 200_000;

const CAUSES: Partial<Record<Reaction['kind'], string>> = {
  busy: 'USER_BUSY',
  reject: 'CALL_REJECTED',
  congestion: 'NORMAL_CIRCUIT_CONGESTION',
  unallocated: 'UNALLOCATED_NUMBER',
};

/** A prompt's name without directory and language. */
const promptOf = (file: string): string => /([a-z0-9_]+)(\.wav)?$/.exec(file)?.[1] ?? '';

/** Somebody at a telephone who wants to call somebody else, and does what the prompts ask, more or less. */
export class Caller implements FarEnd {
  readonly plan: CallPlan;
  readonly #on: SimSwitch;
  readonly #legId: string;
  readonly #random: Random;
  readonly #progress: CallerProgress;
  #over = false;
  #talking = false;
  /** Grows with each question: keys for an earlier one are not pressed any more. */
  #question = 0;

  constructor(plan: CallPlan, on: SimSwitch, legId: string, random: Random, progress: CallerProgress) {
    this.plan = plan;
    this.#on = on;
    this.#legId = legId;
    this.#random = random;
    this.#progress = progress;
  }

  get #channel(): Channel | undefined {
    return this.#on.channels.get(this.#legId);
  }

  #later(us: number, work: () => void): void {
    this.#on.after(us, () => this.#over || work());
  }

  taken(): void {
    this.#later(this.plan.patienceUs, () => this.#hangUp());
    if (this.plan.nonsense) this.#nonsense();
  }

  ended(): void {
    this.#over = true;
  }

  connected(other: boolean): void {
    this.#talking = other;
    if (other && this.#random.chance(0.3)) {
      this.#later(this.#random.exponential(40) * SECOND, () => this.#talking && this.#keys('#11'));
    }
  }

  hears(file: string): void {
    const answer = this.#answerTo(promptOf(file));
    if (answer === undefined) return;
    this.#question += 1;
    const question = this.#question;
    this.#later(this.#random.between(0.2, 5) * SECOND, () => question === this.#question && this.#keys(answer));
  }

  #answerTo(prompt: string): string | undefined {
    const { plan } = this;
    if (!/^(ask_|confirm_callback)/.test(prompt) || this.#random.chance(plan.deaf)) return undefined;
    if (prompt.startsWith('confirm_callback')) return '1';
    if (prompt.startsWith('ask_pin')) {
      this.#progress.pins += 1;
      return this.#progress.pins <= plan.wrongPins ? '0000#' : `${plan.subscriber.pin}#`;
    }
    if (prompt.startsWith('ask_account')) return `${plan.subscriber.account || '1234'}#`;
    const destination = plan.destinations[this.#progress.destinations];
    this.#progress.destinations += 1;
    if (destination !== undefined) return destination;
    this.#later(this.#random.between(0, 3) * SECOND, () => this.#hangUp());
    return undefined;
  }

  #keys(keys: string): void {
    [...keys].forEach((key, index) => {
      this.#later(index * KEY_US, () => {
        const channel = this.#channel;
        if (channel) this.#on.key(channel, key);
      });
    });
  }

  #nonsense(): void {
    this.#later(this.#random.exponential(4) * SECOND, () => {
      this.#keys(this.#random.pick(['1', '#', '*', '99', '0044', '#11', '123456789012345678901234567890', '0#']));
      this.#nonsense();
    });
  }

  #hangUp(): void {
    const channel = this.#channel;
    if (channel) this.#on.hangup(channel, 'NORMAL_CLEARING', 'recv_bye');
  }
}

/** How far a caller is, over all calls of one wish. */
export interface CallerProgress {
  pins: number;
  destinations: number;
  callbacks: number;
}

/** Somebody who is called. */
class Callee implements FarEnd {
  readonly #on: SimSwitch;
  readonly #legId: string;
  readonly #leavesUs: number;

  constructor(on: SimSwitch, legId: string, leavesUs: number) {
    this.#on = on;
    this.#legId = legId;
    this.#leavesUs = leavesUs;
  }

  taken(): void {
    this.#on.after(this.#leavesUs, () => {
      const channel = this.#on.channels.get(this.#legId);
      if (channel) this.#on.hangup(channel, 'NORMAL_CLEARING', 'recv_bye');
    });
  }
  ended(): void {}
  hears(): void {}
  connected(): void {}
}

/** Every telephone there is: who calls us, who is called back, who is called. */
export class Telephones {
  readonly #random: Random;
  readonly #talkSeconds: number;
  readonly #wishes = new Map<string, { plan: CallPlan; progress: CallerProgress }>();
  #dialled = new Map<string, number>();

  constructor(random: Random, talkSeconds: number) {
    this.#random = random;
    this.#talkSeconds = talkSeconds;
  }

  /** Somebody picks up a telephone: from now on this is what is wanted at this number. */
  wants(plan: CallPlan): CallerProgress {
    const progress = { pins: 0, destinations: 0, callbacks: 0 };
    this.#wishes.set(plan.subscriber.number, { plan, progress });
    return progress;
  }

  dial(on: SimSwitch, { number, legId, role }: Dialled): DialPlan {
    const wish = role === 'a' ? this.#wishes.get(number) : undefined;
    const count = (this.#dialled.get(number) ?? 0) + 1;
    this.#dialled.set(number, count);
    const random = this.#random.of(`${number} ${role} ${count}`);
    const how = reaction(random, role, this.#talkSeconds);
    const far = wish
      ? new Caller(wish.plan, on, legId, random, wish.progress)
      : new Callee(on, legId, Math.min(how.leavesUs, 7 * 86_400 * SECOND));
    const cause = CAUSES[how.kind];
    return {
      far,
      progressUs: how.kind === 'silent' || how.kind === 'congestion' ? undefined : how.progressUs,
      answerUs: how.kind === 'answer' ? how.answerUs : undefined,
      refuse: cause === undefined ? undefined : { cause, us: how.answerUs },
    };
  }
}
