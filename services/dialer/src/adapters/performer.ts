import { auth, billing, ivr } from '@ringback/contracts';
import type { Outcome, Performer } from '@ringback/durable';
import { GrpcError, inSession, SpanKind, traceparentOf, withSpan } from '@ringback/service-kit';
import type { SessionEvent } from '../domain/events.ts';
import type { Effect } from '../domain/model.ts';
import { type Requests, sendCommand, type SealingKey } from './commands.ts';
import type { Questions } from './questions.ts';

const QUESTION_MS = 5_000;
const RETRY_MS = 500;

/** The methods that questions over the streams stand for. */
const METHODS = {
  identify: 'ringback.auth.v1.AuthService/Identify',
  verify_pin: 'ringback.auth.v1.AuthService/VerifyPin',
  resolve: 'ringback.auth.v1.AuthService/ResolveDestination',
  balance: 'ringback.billing.v1.BillingService/GetBalance',
  reserve: 'ringback.billing.v1.BillingService/Reserve',
  settle: 'ringback.billing.v1.BillingService/Settle',
  dialogue: 'ringback.ivr.v1.IvrService/Step',
} as const;

type Owed = Parameters<Performer<SessionEvent, Effect>['perform']>[0];

/** Performs what sessions owe: commands over NATS, questions over gRPC. Idempotent by the effect's id throughout. */
export class EffectPerformer implements Performer<SessionEvent, Effect> {
  readonly #bus: Requests;
  readonly #questions: Questions;
  readonly #nowUs: () => number;
  #key: Promise<SealingKey> | undefined;

  constructor(bus: Requests, questions: Questions, nowUs: () => number) {
    this.#bus = bus;
    this.#questions = questions;
    this.#nowUs = nowUs;
  }

  perform(owed: Owed): Promise<Outcome<SessionEvent>> {
    const { body, sessionId, attempt } = owed;
    if (body.do === 'command') {
      return inSession(sessionId, body.traceparent, () =>
        sendCommand(this.#bus, { ...owed, body }, () => this.#sealingKey()),
      );
    }
    return withSpan(
      body.do === 'reserve' ? `reserve ${body.purpose}` : body.do,
      body.traceparent,
      {
        'call.session_id': sessionId,
        'call.question': body.do,
        'call.attempt': attempt,
        'rpc.system.name': 'grpc',
        'rpc.method': METHODS[body.do],
      },
      async (span) => {
        const outcome = await this.#ask(owed, body, traceparentOf(span));
        // It is asked again.
        if (!outcome.done) span.setAttribute('error.type', 'unanswered');
        return outcome;
      },
      SpanKind.CLIENT,
    );
  }

  /** auth's public key; asked once, and again after a failure. */
  #sealingKey(): Promise<SealingKey> {
    this.#key ??= this.#questions.sealingKey().catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }

  async #ask(
    owed: Owed,
    body: Exclude<Effect, { do: 'command' }>,
    traceparent: string,
  ): Promise<Outcome<SessionEvent>> {
    const deadlineMs = Math.max(100, Math.min(QUESTION_MS, (owed.giveUpAtUs - this.#nowUs()) / 1000));
    try {
      switch (body.do) {
        case 'identify':
        case 'verify_pin':
        case 'resolve':
          return await this.#askAuth(owed, body, traceparent, deadlineMs);
        case 'balance':
        case 'reserve':
        case 'settle':
          return await this.#askBilling(owed, body, traceparent, deadlineMs);
        case 'dialogue': {
          const request = { ...ivr.StepRequest.fromJSON(body.request), requestId: owed.id, traceparent };
          const answer = await this.#questions.ivr.ask(owed.id, request, deadlineMs);
          return { done: true, event: { type: 'stepped', answer } };
        }
      }
    } catch (error) {
      if (error instanceof GrpcError) return { done: false, retryAfterMs: RETRY_MS };
      throw error;
    }
  }

  async #askAuth(
    { id, sessionId }: Owed,
    body: Extract<Effect, { do: 'identify' | 'verify_pin' | 'resolve' }>,
    traceparent: string,
    deadlineMs: number,
  ): Promise<Outcome<SessionEvent>> {
    const question = authQuestion(id, sessionId, body);
    const { answer } = await this.#questions.auth.ask(id, { traceparent, question }, deadlineMs);
    switch (answer?.$case) {
      case 'identify':
        return { done: true, event: { type: 'identified', answer: answer.value } };
      case 'verifyPin':
        return { done: true, event: { type: 'pin_verified', answer: answer.value } };
      case 'resolveDestination':
        return { done: true, event: { type: 'resolved', answer: answer.value } };
      default:
        return refused(answer?.value);
    }
  }

  async #askBilling(
    owed: Owed,
    body: Extract<Effect, { do: 'balance' | 'reserve' | 'settle' }>,
    traceparent: string,
    deadlineMs: number,
  ): Promise<Outcome<SessionEvent>> {
    const question = billingQuestion(owed, body);
    const { answer } = await this.#questions.billing.ask(owed.id, { traceparent, question }, deadlineMs);
    switch (answer?.$case) {
      case 'reserve':
        // Another process owns the shard by now; our next commit will find out.
        if (answer.value.outcome === billing.ReserveResponse_Outcome.STALE_EPOCH)
          return { done: false, retryAfterMs: 1_000 };
        if (body.do !== 'reserve') return refused(undefined);
        return { done: true, event: { type: 'reserved', purpose: body.purpose, answer: answer.value } };
      case 'settle':
        if (body.do !== 'settle') return refused(undefined);
        return { done: true, event: { type: 'settled', legId: body.cdr.legId } };
      case 'getBalance':
        return { done: true, event: { type: 'balance_told', answer: answer.value } };
      default:
        return refused(answer?.value);
    }
  }
}

/** The question itself is at fault: it is not asked again as it is. Anything else passes. */
function refused(refusal: { code: string; field: string; message: string } | undefined): Outcome<SessionEvent> {
  if (refusal && ['INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'FAILED_PRECONDITION'].includes(refusal.code)) {
    return { done: true, event: { type: 'refused', field: refusal.field, message: refusal.message } };
  }
  return { done: false, retryAfterMs: RETRY_MS };
}

function authQuestion(
  requestId: string,
  sessionId: string,
  body: Extract<Effect, { do: 'identify' | 'verify_pin' | 'resolve' }>,
): auth.Question['question'] {
  switch (body.do) {
    case 'identify': {
      const { callerId, trusted, accessNumber } = body;
      return { $case: 'identify', value: { requestId, callerId, trusted, accessNumber } };
    }
    case 'verify_pin': {
      const { accountNumber, pin, callerId, accessNumber, saveCallerId } = body;
      return {
        $case: 'verifyPin',
        value: {
          requestId,
          accountNumber,
          keyId: pin.keyId,
          ephemeralPublicKey: Buffer.from(pin.ephemeralPublicKey, 'base64'),
          ciphertext: Buffer.from(pin.ciphertext, 'base64'),
          sessionId,
          legId: pin.legId,
          commandId: pin.commandId,
          callerId,
          accessNumber,
          saveCallerId,
        },
      };
    }
    case 'resolve': {
      const { accountNumber, digits } = body;
      return { $case: 'resolveDestination', value: { requestId, accountNumber, digits } };
    }
  }
}

const us = (value: number): bigint => BigInt(Math.round(value));

function billingQuestion(
  { id: requestId, sessionId, shard, epoch }: Owed,
  body: Extract<Effect, { do: 'balance' | 'reserve' | 'settle' }>,
): billing.Question['question'] {
  switch (body.do) {
    case 'balance':
      return { $case: 'getBalance', value: { requestId, accountNumber: body.accountNumber } };
    case 'reserve':
      return {
        $case: 'reserve',
        value: billing.ReserveRequest.fromPartial({
          requestId,
          sessionId,
          payer: body.accountNumber
            ? { $case: 'accountNumber', value: body.accountNumber }
            : { $case: 'lossBudget', value: { accessNumber: body.accessNumber, callerId: body.callerId } },
          legs: body.legs.map((leg) => ({
            ...leg,
            startAtUs: us(leg.startAtUs),
            elapsedUs: us(leg.elapsedUs),
            leadUs: us(leg.leadUs),
          })),
          capUs: us(body.capUs),
          shard,
          epoch: BigInt(epoch),
          atUs: us(body.atUs),
        }),
      };
    case 'settle': {
      const { cdr } = body;
      return {
        $case: 'settle',
        value: billing.SettleRequest.fromPartial({
          requestId,
          cdr: {
            ...cdr,
            sessionId,
            createdAtUs: us(cdr.createdAtUs),
            progressAtUs: us(cdr.progressAtUs),
            answeredAtUs: us(cdr.answeredAtUs),
            endedAtUs: us(cdr.endedAtUs),
          },
          number: body.number,
          inbound: body.inbound,
          maxBillableUs: us(body.maxBillableUs),
          lossBudget: body.lossBudget,
        }),
      };
    }
  }
}
