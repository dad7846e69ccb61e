import { billing } from '@ringback/contracts';
import { answerStream, type Logger, meter, toGrpcError, unaryHandlers, withSpan } from '@ringback/service-kit';
import { Refused } from '../domain/model.ts';
import type { Balances } from '../postgres/balances.ts';
import type { Teller } from '../postgres/teller.ts';
import { refusing } from './refusals.ts';
import { checkId, checkReserve, checkSettle } from './validate.ts';

/** BillingService: each question alone, or in batches over one stream. */
export class BillingApi {
  readonly #log: Logger;
  readonly #teller: Teller;
  readonly #balances: Balances;
  readonly #outcomes = meter.createCounter('ringback.billing.questions', {
    description: 'answers by kind and outcome',
  });

  constructor(log: Logger, teller: Teller, balances: Balances) {
    this.#log = log;
    this.#teller = teller;
    this.#balances = balances;
  }

  async reserve(request: billing.ReserveRequest): Promise<billing.ReserveResponse> {
    checkReserve(request);
    const response = (await this.#teller.ask({ kind: 'reserve', request })) as billing.ReserveResponse;
    this.#outcomes.add(1, { question: 'reserve', outcome: response.outcome });
    return response;
  }

  async settle(request: billing.SettleRequest): Promise<billing.SettleResponse> {
    checkSettle(request);
    const response = (await this.#teller.ask({ kind: 'settle', request })) as billing.SettleResponse;
    this.#outcomes.add(1, { question: 'settle', outcome: response.outcome });
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
    const { currency, balance, held, deck } = row;
    return { found: true, balance: { micros: balance, currency }, held: { micros: held, currency }, deck };
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
    try {
      const answer = await withSpan(`billing ${question?.$case ?? 'nothing'}`, traceparent, {}, async (span) => {
        const answered = await this.#ask(question);
        if ('outcome' in answered.value) span.setAttribute('billing.outcome', answered.value.outcome);
        return answered;
      });
      return { requestId, answer };
    } catch (error) {
      const refusal = this.#refusalOf(error);
      this.#outcomes.add(1, { question: question?.$case ?? 'nothing', outcome: refusal.code });
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
