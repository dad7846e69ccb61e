import assert from 'node:assert/strict';
import { auth, billing, type dialer, ivr, sw } from '@ringback/contracts';
import { applyStep, decodeLive, encodeLive, type Live, type Trigger } from '@ringback/durable';
import type { Directory } from '../src/domain/directory.ts';
import { trunksFor } from '../src/domain/directory.ts';
import type { LegBody, SessionEvent } from '../src/domain/events.ts';
import type { Effect, Session } from '../src/domain/model.ts';
import { sessionMachine } from '../src/domain/session-machine.ts';
import { DEFAULT_SETTINGS, type Settings } from '../src/domain/settings.ts';

export const SECOND = 1_000_000;
export const CALLER = '+48601000001';
export const ACCESS = '+48223000000';

export const accessNumber = (fields: Partial<dialer.AccessNumber> = {}): dialer.AccessNumber => ({
  number: ACCESS,
  mode: 'callback',
  language: 'en',
  unknownCallers: 'refuse',
  ringTimeMs: 12_500,
  ringCycleMs: 5_000,
  ringCycles: 2.5,
  rejectCode: 486,
  callbackDelayMs: 4_000,
  answerConfirmation: 'none',
  endCode: '#11',
  busyRetrySeconds: [10, 30],
  noAnswerRetrySeconds: [30],
  coolDownSeconds: 5,
  shownCallerId: '',
  answerTimeoutSeconds: 30,
  callBackAfterSwitchLoss: true,
  ...fields,
});

const trunk = (id: string, fields: Partial<dialer.Trunk> = {}): dialer.Trunk => ({
  id,
  sources: ['127.0.1.1'],
  gateway: '127.0.1.1:5070',
  trusted: true,
  country: 'PL',
  identity: 'from',
  username: '',
  password: '',
  sealedPassword: Buffer.alloc(0),
  registrar: '',
  registerSeconds: 600,
  numberFormat: 'e164plus',
  prefixes: [],
  priority: 0,
  callsPerSecond: 0,
  forwardCallerId: true,
  disabled: false,
  ...fields,
});

export interface WorldOptions {
  access?: Partial<dialer.AccessNumber>;
  trunks?: dialer.Trunk[];
  denied?: string[];
  switches?: string[];
  settings?: Partial<Settings>;
  previousClosedAtUs?: number;
}

/** One session and everything around it, on a clock that only moves when told. */
/** Without what JSON leaves out. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export class World {
  nowUs = 1_800_000_000 * SECOND;
  live: Live<Session, Effect> | undefined;
  closed = false;
  readonly done: Effect[] = [];
  readonly facts: unknown[] = [];
  readonly #machine;
  readonly #options: WorldOptions;
  #ids = 0;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    const access = accessNumber(options.access);
    const trunks = options.trunks ?? [trunk('carrier')];
    const directory: Directory = {
      accessNumber: (e164) => (e164 === access.number ? access : undefined),
      trunk: (id) => trunks.find((each) => each.id === id),
      trunksFor: (e164) => trunksFor(trunks, e164),
      denied: (e164) => (options.denied ?? []).some((prefix) => e164.startsWith(prefix)),
      own: (e164) => e164 === access.number,
      warningPrompt: (language) => `${language}/warning_one_minute`,
      pickSwitch: () => (options.switches ?? ['switch-1'])[0],
    };
    this.#machine = sessionMachine(() => directory, { ...DEFAULT_SETTINGS, ...options.settings });
  }

  static trunk = trunk;

  get s(): Session {
    if (!this.live) throw new Error('there is no session');
    return this.live.state;
  }

  /** Sees every step. */
  onStep: (before: Session | undefined, after: Session, trigger: Trigger<SessionEvent, Effect>, over: boolean) => void =
    () => undefined;

  apply(trigger: Trigger<SessionEvent, Effect>): void {
    const before = this.live?.state;
    const { live, decision } = applyStep(
      this.#machine,
      this.live,
      trigger,
      {
        nowUs: this.nowUs,
        sessionId: '07-session',
        shard: 7,
        newId: () => `id-${++this.#ids}`,
        previousClosedAtUs: this.#options.previousClosedAtUs,
      },
      CALLER,
    );
    // What is kept in the database must come back the same.
    this.live = decodeLive(this.#machine, {
      ...live,
      version: this.#machine.version,
      body: encodeLive(this.#machine, live),
    });
    // Not at every step: it takes longer than all the rest.
    if (live.next % 8 === 0) assert.deepEqual(plain(this.live), plain(live));
    this.facts.push(...decision.facts);
    this.onStep(
      before,
      this.live.state,
      trigger,
      decision.history?.to === 'ended' && decision.history.from !== 'ended',
    );
    this.closed = live.closing && live.owed.length === 0;
  }

  event(event: SessionEvent): void {
    this.apply({ type: 'event', event });
  }

  offer(legId: string, fields: Partial<sw.LegOffered> = {}): void {
    const offered = sw.LegOffered.fromPartial({
      accessNumber: ACCESS,
      callerRaw: CALLER,
      callerE164: CALLER,
      trunkId: 'carrier',
      trusted: true,
      mode: 'callback',
      country: 'PL',
      ...fields,
    });
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    this.event({ type: 'offered', legId, switchId: 'switch-1', atUs: this.nowUs, traceparent, offered });
  }

  leg(legId: string, body: LegBody, commandId = ''): void {
    this.event({ type: 'leg', legId, switchId: 'switch-1', atUs: this.nowUs, commandId, body });
  }

  answered(legId: string, cutoffInSeconds: number): void {
    this.leg(legId, {
      $case: 'answered',
      value: { createdAtUs: 0n, cutoffAtUs: BigInt(this.nowUs + cutoffInSeconds * SECOND) },
    });
  }

  ended(legId: string, fields: Partial<sw.LegEnded> = {}): void {
    const value = sw.LegEnded.fromPartial({
      cause: 'NORMAL_CLEARING',
      q850: 16,
      endedAtUs: BigInt(this.nowUs),
      ...fields,
    });
    this.leg(legId, { $case: 'ended', value });
  }

  parked(legId: string): void {
    this.leg(legId, { $case: 'parked', value: {} });
  }

  /** The effect owed that matches; it stays owed. */
  owed<D extends Effect['do']>(kind: D, match: (effect: Extract<Effect, { do: D }>) => boolean = () => true) {
    const owed = this.live?.owed.find(({ body }) => body.do === kind && match(body as Extract<Effect, { do: D }>));
    return owed && { id: owed.id, body: owed.body as Extract<Effect, { do: D }> };
  }

  command<K extends Extract<Effect, { do: 'command' }>['body']['kind']>(kind: K, legId?: string) {
    const found = this.owed(
      'command',
      ({ body, legId: of }) => body.kind === kind && (legId === undefined || of === legId),
    );
    if (!found) throw new Error(`no ${kind} is owed; owed: ${this.owing()}`);
    return { ...found, body: found.body, what: found.body.body as Extract<typeof found.body.body, { kind: K }> };
  }

  owing(): string {
    return (this.live?.owed ?? []).map(({ body }) => (body.do === 'command' ? body.body.kind : body.do)).join(', ');
  }

  /** The agent took a command. */
  accept<K extends Extract<Effect, { do: 'command' }>['body']['kind']>(kind: K, legId?: string) {
    const command = this.command(kind, legId);
    this.settleEffect(command.id, undefined);
    return command;
  }

  settleEffect(id: string, outcome: SessionEvent | undefined): void {
    const effect = this.live!.owed.find((owed) => owed.id === id)!.body;
    this.done.push(effect);
    if (outcome) this.apply({ type: 'outcome', effect, effectId: id, outcome });
    else {
      this.live = { ...this.live!, owed: this.live!.owed.filter((owed) => owed.id !== id) };
      this.closed = this.live.closing && this.live.owed.length === 0;
    }
  }

  answer<D extends Exclude<Effect['do'], 'command'>>(kind: D, outcome: SessionEvent): Extract<Effect, { do: D }> {
    const found = this.owed(kind);
    if (!found) throw new Error(`no ${kind} is owed; owed: ${this.owing()}`);
    this.settleEffect(found.id, outcome);
    return found.body;
  }

  identify(fields: Partial<auth.IdentifyResponse> = {}) {
    const answer = auth.IdentifyResponse.fromPartial({
      status: auth.IdentifyResponse_Status.KNOWN,
      account: { number: '1001', country: 'PL', language: 'en' },
      ...fields,
    });
    return this.answer('identify', { type: 'identified', answer });
  }

  reserve(seconds: number, fields: Partial<billing.ReserveResponse> = {}) {
    const { body } = this.owed('reserve') ?? {};
    if (!body) throw new Error(`no reserve is owed; owed: ${this.owing()}`);
    const answer = billing.ReserveResponse.fromPartial({
      outcome: billing.ReserveResponse_Outcome.OK,
      maxUs: BigInt(seconds * SECOND),
      balance: { micros: 5_000_000n, currency: 'EUR' },
      ...fields,
    });
    return this.answer('reserve', { type: 'reserved', purpose: body.purpose, answer });
  }

  step(fields: Parameters<typeof ivr.StepResponse.fromPartial>[0]) {
    return this.answer('dialogue', {
      type: 'stepped',
      answer: ivr.StepResponse.fromPartial({ state: 'd', ...fields }),
    });
  }

  /** Everything that has to be settled is settled. */
  settleAll(): number {
    let settled = 0;
    for (let owed = this.owed('settle'); owed; owed = this.owed('settle')) {
      this.settleEffect(owed.id, { type: 'settled', legId: owed.body.cdr.legId });
      settled += 1;
    }
    return settled;
  }

  /** Moves the clock to a timer and fires it. */
  fire(name: string): void {
    const atUs = this.live?.timers[name];
    if (atUs === undefined) throw new Error(`timer ${name} is not set; set: ${Object.keys(this.live?.timers ?? {})}`);
    this.nowUs = Math.max(this.nowUs, atUs);
    this.apply({ type: 'timer', name });
  }

  cdrs(): { role: string; result: string; reason: string; legId: string }[] {
    return this.done
      .filter((effect) => effect.do === 'settle')
      .map(({ cdr: { role, result, reason, legId } }) => ({ role, result, reason, legId }));
  }
}
