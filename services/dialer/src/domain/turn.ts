import type { NewEffect, StepContext } from '@ringback/durable';
import type { Directory } from './directory.ts';
import type { CdrFields, CommandBody, DialBody, Effect, Leg, QuotedLeg, ReservePurpose, Session } from './model.ts';
import type { Settings } from './settings.ts';

const SECOND = 1_000_000;
/** Money and telephones must not be forgotten because somebody was away long: ten years. */
const FOR_EVER_MS = 10 * 365 * 24 * 3_600_000;
/** Questions a caller waits for. */
const CALLER_WAITS_MS = 15_000;
/** How long a command may be owed beyond the moment until which it may be started. */
const ACK_SLACK_MS = 20_000;

/** One step of one session: the state being changed, and what it will owe. Everything a handler may do goes through here. */
export class Turn {
  readonly s: Session;
  readonly context: StepContext;
  readonly directory: Directory;
  readonly settings: Settings;
  /** Of what moved the session: parent of everything this step will owe. */
  readonly traceparent: string;
  readonly effects: NewEffect<Effect>[] = [];
  readonly timers: Record<string, number | undefined> = {};
  readonly facts: unknown[] = [];

  constructor(
    session: Session,
    context: StepContext,
    directory: Directory,
    settings: Settings,
    traceparent: string = session.traceparent,
  ) {
    this.s = session;
    this.context = context;
    this.directory = directory;
    this.settings = settings;
    this.traceparent = traceparent;
  }

  get now(): number {
    return this.context.nowUs;
  }

  leg(id: string): Leg | undefined {
    return id === '' ? undefined : this.s.legs.find((leg) => leg.id === id);
  }

  get a(): Leg | undefined {
    return this.leg(this.s.a);
  }

  get b(): Leg | undefined {
    return this.leg(this.s.b);
  }

  timer(name: TimerName, atUs: number | undefined): void {
    this.timers[name] = atUs;
  }

  /** Tells a leg's switch something; answers the command's id. */
  command(leg: Leg, body: CommandBody, startWithinMs = 10_000): string {
    const commandId = this.context.newId();
    leg.commands += 1;
    this.#outlast(leg, body, this.now + startWithinMs * 1000);
    this.effects.push({
      lane: `leg:${leg.id}`,
      giveUpAfterMs: startWithinMs + ACK_SLACK_MS,
      body: {
        do: 'command',
        commandId,
        switchId: leg.switchId,
        legId: leg.id,
        legSeq: leg.commands,
        startByUs: this.now + startWithinMs * 1000,
        traceparent: this.traceparent,
        body,
      },
    });
    return commandId;
  }

  /** How long a leg may live by this command, whether or not anybody hears of it. */
  #outlast(leg: Leg, body: CommandBody, startByUs: number): void {
    const until = (of: Leg | undefined, us: number): void => {
      if (of) of.mayLiveUntilUs = Math.max(of.mayLiveUntilUs, us);
    };
    const dialled = ({ answerTimeoutSeconds, cutoffSeconds }: DialBody): number =>
      startByUs + (answerTimeoutSeconds + cutoffSeconds) * SECOND;
    switch (body.kind) {
      case 'originate':
        return until(leg, dialled(body.dial));
      case 'bridge':
        return until(this.leg(body.bLegId), dialled(body.dial));
      case 'answer':
        return until(leg, startByUs + body.cutoffSeconds * SECOND);
      case 'setCutoff':
        return until(leg, body.atUs);
      default:
    }
  }

  hangup(leg: Leg, cause: string, endedBy: Leg['endedBy']): void {
    if (leg.status === 'ended') return;
    leg.endedBy ||= endedBy;
    // A leg that is to end is to end whenever its agent is back.
    this.command(leg, { kind: 'hangup', cause }, 24 * 3_600_000);
  }

  ask(
    effect: Exclude<Effect, { do: 'command' } | { do: 'settle' } | { do: 'reserve' }>,
    giveUpAfterMs = CALLER_WAITS_MS,
  ): void {
    this.effects.push({ lane: `ask:${this.context.newId()}`, body: effect, giveUpAfterMs });
  }

  dialogue(request: unknown): void {
    this.ask({ do: 'dialogue', traceparent: this.traceparent, request });
  }

  /** Quotes and holds for every leg named. */
  reserve(purpose: ReservePurpose, legs: QuotedLeg[], capMs: number): void {
    const { s } = this;
    this.effects.push({
      lane: 'money',
      giveUpAfterMs: purpose === 'leg_a' ? this.settings.triggerMaxAgeMs : CALLER_WAITS_MS,
      body: {
        do: 'reserve',
        traceparent: this.traceparent,
        purpose,
        accountNumber: s.payer === 'account' ? (s.account?.number ?? '') : '',
        accessNumber: s.access.number,
        callerId: s.callerId,
        legs,
        capUs: capMs * 1000,
        atUs: this.now,
      },
    });
  }

  /** How a leg stands in a quote made now. */
  quoted(leg: Leg, leadUs = 0): QuotedLeg {
    const up = leg.answeredUs > 0;
    return {
      legId: leg.id,
      number: leg.inbound ? this.s.access.number : leg.number,
      inbound: leg.inbound,
      startAtUs: up ? leg.answeredUs : this.now,
      elapsedUs: up ? Math.max(0, this.now - leg.answeredUs) : 0,
      leadUs,
    };
  }

  /** The leg is over: exactly one settlement, with its CDR, is owed. */
  settle(leg: Leg, result: Leg['result'], reason: string): void {
    if (leg.settlement !== 'none') return;
    leg.status = 'ended';
    leg.endedUs ||= this.now;
    leg.result = result;
    leg.reason = reason;
    leg.settlement = 'owed';
    const { s } = this;
    this.effects.push({
      lane: 'money',
      giveUpAfterMs: FOR_EVER_MS,
      body: {
        do: 'settle',
        traceparent: this.traceparent,
        cdr: this.#cdr(leg),
        number: leg.inbound && leg.role === 'a' ? s.access.number : leg.number,
        inbound: leg.inbound,
        maxBillableUs: leg.cutOff && leg.cutoffAtUs > leg.answeredUs ? leg.cutoffAtUs - leg.answeredUs : 0,
        lossBudget: s.payer === 'loss_budget' && leg.role === 'a',
      },
    });
  }

  #cdr(leg: Leg): CdrFields {
    const { s } = this;
    const outward = leg.role !== 'trigger' && !leg.inbound;
    return {
      legId: leg.id,
      role: leg.role,
      accountNumber: s.payer === 'account' ? (s.account?.number ?? '') : '',
      fromNumber: outward ? (leg.role === 'b' ? s.callerId : s.access.number) : s.callerId,
      toNumber: outward ? leg.number : s.access.number,
      accessNumber: s.access.number,
      trunkId: leg.trunkId,
      switchId: leg.switchId,
      attempt: leg.attempt,
      result: leg.result,
      reason: leg.reason,
      cause: leg.cause,
      q850: leg.q850,
      sipStatus: leg.sipStatus,
      disposition: leg.disposition,
      createdAtUs: leg.createdUs,
      progressAtUs: leg.progressUs,
      answeredAtUs: leg.answeredUs,
      endedAtUs: leg.endedUs,
      traceId: s.traceparent.split('-')[1] ?? '',
    };
  }

  /** One moment for the oldest answer that is awaited from a switch. */
  watch(): void {
    const slackUs = this.settings.overdueMs * 1000;
    const due = this.s.legs
      .filter(({ status }) => status === 'up' || status === 'dialling' || status === 'ringing')
      .map((leg) =>
        leg.status === 'up'
          ? leg.cutoffAtUs
          : leg.createdUs + Math.max(this.s.access.answerTimeoutSeconds, this.settings.answerTimeoutSeconds) * SECOND,
      );
    this.timer('overdue', due.length === 0 ? undefined : Math.max(this.now, Math.min(...due)) + slackUs);
  }
}

export type TimerName = 'callback' | 'warn' | 'extend' | 'overdue';
