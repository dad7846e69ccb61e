import { billing } from '@ringback/contracts';
import {
  answerStream,
  counter,
  type Logger,
  ofRequest,
  servedRequests,
  type SpanAttributes,
  SpanKind,
  toGrpcError,
  unaryHandlers,
  withSpan,
} from '@ringback/service-kit';
import { Refused } from '../domain/model.ts';
import type { Balances } from '../postgres/balances.ts';
import type { Question, ResponseOf } from '../domain/decide.ts';
import type { Teller } from '../postgres/teller.ts';
import { refusing } from './refusals.ts';
import { checkId, checkReserve, checkSettle } from './validate.ts';

/** The unary methods that questions of the stream stand for. */
const METHODS = {
  reserve: 'ringback.billing.v1.BillingService/Reserve',
  settle: 'ringback.billing.v1.BillingService/Settle',
  getBalance: 'ringback.billing.v1.BillingService/GetBalance',
  nothing: 'ringback.billing.v1.BillingService/AskStream',
} as const;

/** BillingService: each question alone, or in batches over one stream. */
export class BillingApi {
  readonly #log: Logger;
  readonly #teller: Teller;
  readonly #balances: Balances;
  readonly #outcomes = counter('ringback.billing.questions');
  readonly #served = servedRequests();

  constructor(log: Logger, teller: Teller, balances: Balances) {
    this.#log = log;
    this.#teller = teller;
    this.#balances = balances;
  }

  async reserve(request: billing.ReserveRequest): Promise<billing.ReserveResponse> {
    checkReserve(request);
    const response = await this.#ledger({ kind: 'reserve', request });
    this.#outcomes.add(1, { 'billing.question': 'reserve', 'billing.outcome': response.outcome });
    return response;
  }

  async settle(request: billing.SettleRequest): Promise<billing.SettleResponse> {
    checkSettle(request);
    const response = await this.#ledger({ kind: 'settle', request });
    this.#outcomes.add(1, { 'billing.question': 'settle', 'billing.outcome': response.outcome });
    if (response.shortfall && response.shortfall.micros > 0n) {
      this.#log.warn(
        { leg_id: request.cdr?.legId, micros: response.shortfall.micros },
        'a leg cost more than its account has',
      );
    }
    return response;
  }

  async getBalance(request: billing.GetBalanceRequest): Promise<billing.GetBalanceResponse> {
    checkId('account_number', request.accountNumber);
    const row = await this.#balances.find(request.accountNumber);
    if (!row) return billing.GetBalanceResponse.fromPartial({ found: false });
    const { currency, balance, held, deck, credit_limit: limit } = row;
    return {
      found: true,
      balance: { micros: balance, currency },
      held: { micros: held, currency },
      deck,
      creditLimit: { micros: limit, currency },
    };
  }

  /** From the question's arrival at the teller to COMMIT of the batch that it travels in. */
  #ledger<Q extends Extract<Question, { kind: 'reserve' | 'settle' }>>(question: Q): Promise<ResponseOf<Q>> {
    const operation = { 'db.namespace': 'billing', 'db.operation.name': question.kind } as const;
    return withSpan(
      `ledger ${question.kind}`,
      undefined,
      { 'db.system.name': 'postgresql', ...operation },
      async (span) => {
        const response = await this.#teller.ask(question);
        if (response) span.setAttribute('billing.outcome', response.outcome);
        return response;
      },
      SpanKind.CLIENT,
    );
  }

  handlers() {
    const { reserve, settle, getBalance } = this;
    return {
      ...unaryHandlers(
        this.#log,
        refusing({ reserve: reserve.bind(this), settle: settle.bind(this), getBalance: getBalance.bind(this) }),
      ),
      askStream: answerStream<billing.AskStreamRequest, billing.AskStreamResponse>({
        log: this.#log,
        concurrency: 16,
        answer: async ({ questions }) => ({
          answers: await Promise.all(questions.map((question) => this.#answer(question))),
        }),
      }),
    };
  }

  /** Never throws: what cannot be answered is answered by a refusal. */
  async #answer({ question, traceparent }: billing.Question): Promise<billing.Answer> {
    const requestId = question?.value.requestId ?? '';
    const kind = question?.$case ?? 'nothing';
    const method = METHODS[kind];
    const attributes: SpanAttributes = { ...ofRequest(requestId), 'billing.question': kind };
    try {
      const answer = await this.#served({ method, name: `billing ${kind}`, traceparent, attributes }, () =>
        this.#ask(question),
      );
      return { requestId, answer };
    } catch (error) {
      const refusal = this.#refusalOf(error);
      this.#outcomes.add(1, { 'billing.question': kind, 'billing.outcome': refusal.code });
      return { requestId, answer: { $case: 'refusal', value: refusal } };
    }
  }

  async #ask(question: billing.Question['question']) {
    switch (question?.$case) {
      case 'reserve':
        return { $case: 'reserve' as const, value: await this.reserve(question.value) };
      case 'settle':
        return { $case: 'settle' as const, value: await this.settle(question.value) };
      case 'getBalance':
        return { $case: 'getBalance' as const, value: await this.getBalance(question.value) };
      case undefined:
        throw new Refused('INVALID_ARGUMENT', 'question', 'is not set');
    }
  }

  #refusalOf(error: unknown): billing.Refusal {
    if (error instanceof Refused) return { code: error.code, field: error.field, message: error.message };
    const { code, field, message } = toGrpcError(error);
    if (code === 'INTERNAL') this.#log.error({ err: error }, 'a question failed');
    return { code, field, message };
  }
}
