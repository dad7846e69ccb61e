import { auth, billing, ivr } from '@ringback/contracts';
import { call, grpcClient, QuestionStream } from '@ringback/service-kit';
import type { SealingKey } from './commands.ts';

/** Somebody who is asked; rejects with a GrpcError when no answer comes in time. */
export interface Asked<Q, A> {
  ask(id: string, question: Q, deadlineMs: number): Promise<A>;
}

/** Whom the dialer asks. */
export interface Questions {
  auth: Asked<auth.Question, auth.Answer>;
  billing: Asked<billing.Question, billing.Answer>;
  ivr: Asked<ivr.StepRequest, ivr.StepResponse>;
  /** Public key that PINs are sealed for. */
  sealingKey(): Promise<SealingKey>;
}

/** The long-lived streams of batches over which auth, billing and ivr are asked. */
export function openQuestions(addresses: {
  auth: string;
  billing: string;
  ivr: string;
}): Questions & { close(): void } {
  const authClient = grpcClient(auth.AuthServiceClient, addresses.auth);
  const billingClient = grpcClient(billing.BillingServiceClient, addresses.billing);
  const ivrClient = grpcClient(ivr.IvrServiceClient, addresses.ivr);
  const questions = {
    sealingKey: () => call(authClient, authClient.getSealingKey, {}),
    auth: new QuestionStream({
      open: () => authClient.askStream(),
      pack: (batch: auth.Question[]) => ({ questions: batch }),
      unpack: ({ answers }: auth.AskStreamResponse) => answers,
      idOf: ({ requestId }) => requestId,
    }),
    billing: new QuestionStream({
      open: () => billingClient.askStream(),
      pack: (batch: billing.Question[]) => ({ questions: batch }),
      unpack: ({ answers }: billing.AskStreamResponse) => answers,
      idOf: ({ requestId }) => requestId,
    }),
    ivr: new QuestionStream({
      open: () => ivrClient.stepStream(),
      pack: (steps: ivr.StepRequest[]) => ({ steps }),
      unpack: ({ steps }: ivr.StepStreamResponse) => steps,
      idOf: ({ requestId }) => requestId,
    }),
    close() {
      questions.auth.close();
      questions.billing.close();
      questions.ivr.close();
      for (const client of [authClient, billingClient, ivrClient]) client.close();
    },
  };
  return questions;
}
