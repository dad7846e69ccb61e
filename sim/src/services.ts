import { batchAnswers } from '@ringback/auth/core';
import { ivr } from '@ringback/contracts';
import type { Asked, Questions } from '@ringback/dialer/core';
import { step, StepError, type Voices } from '@ringback/ivr/core';
import { GrpcError } from '@ringback/service-kit';
import { type AuthTables, authQuestions } from './auth-service.ts';
import type { BillingService } from './billing-service.ts';
import type { Life } from './life.ts';
import type { Network, Node } from './network.ts';
import type { Random } from './random.ts';

/** What may go wrong with a question, as probabilities. */
export interface QuestionMishaps {
  /** It does not arrive. */
  lost: number;
  /** It is answered, and the answer is lost. */
  unanswered: number;
}

/** Auth, billing and ivr as a dialer asks them: over a network, with deadlines. */
export class Services {
  readonly #network: Network;
  readonly #random: Random;
  readonly #billing: BillingService;
  readonly #auth: ReturnType<typeof batchAnswers>;
  readonly #key: { keyId: string; publicKey: Buffer };
  readonly #voices: Voices;
  mishaps: QuestionMishaps = { lost: 0, unanswered: 0 };

  constructor(network: Network, random: Random, billing: BillingService, tables: AuthTables, voices: Voices) {
    this.#network = network;
    this.#random = random;
    this.#billing = billing;
    this.#voices = voices;
    const { questions, key } = authQuestions(tables);
    this.#auth = batchAnswers(questions);
    this.#key = key;
  }

  /** As one process asks them. */
  of(life: Life): Questions {
    const asked = <Q, A>(node: Node, answer: (question: Q) => A | Promise<A>): Asked<Q, A> => ({
      ask: (_id, question, deadlineMs) => this.#ask(life, node, () => answer(question), deadlineMs),
    });
    return {
      auth: asked('auth', async (question) => (await this.#auth({ questions: [question] })).answers[0]!),
      billing: asked('billing', (question) => this.#billing.answer(question)),
      ivr: asked('ivr', (request) => stepped(request, this.#voices)),
      sealingKey: () => this.#ask(life, 'auth', () => this.#key, 5_000),
    };
  }

  #ask<A>(life: Life, node: Node, answer: () => A | Promise<A>, deadlineMs: number): Promise<A> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(GrpcError.unavailable('no answer in time'));
      const cancel = life.after(deadlineMs, fail);
      const reaches = (): boolean => this.#network.reaches(life.name, node);
      if (!reaches()) {
        // Refused at once: nobody listens there.
        life.after(1, () => {
          cancel();
          fail();
        });
        return;
      }
      if (this.#random.chance(this.mishaps.lost)) return;
      life.clock.after(this.#network.delayUs(), () => {
        if (!reaches()) return;
        void Promise.resolve(answer()).then((value) => {
          if (this.#random.chance(this.mishaps.unanswered)) return;
          life.clock.after(this.#network.delayUs(), () => {
            if (!reaches()) return;
            life.enter(() => {
              cancel();
              resolve(value);
            });
          });
        });
      });
    });
  }
}

/** One step of a dialogue, as ivr's service answers it. */
function stepped({ requestId, state, event }: ivr.StepRequest, voices: Voices): ivr.StepResponse {
  try {
    return ivr.StepResponse.fromPartial({ requestId, ...step(state, event, voices) });
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const value = { field: error.field, message: error.message };
    return ivr.StepResponse.fromPartial({ requestId, state, next: { $case: 'refused', value } });
  }
}
