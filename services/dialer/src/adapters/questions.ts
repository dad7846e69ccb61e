import { auth, billing, ivr } from '@ringback/contracts';
import { grpcClient, QuestionStream } from '@ringback/service-kit';

/** The long-lived streams of batches over which the dialer asks auth, billing and ivr. */
export interface Questions {
  auth: QuestionStream<auth.Question, auth.Answer, auth.AskStreamRequest, auth.AskStreamResponse>;
  billing: QuestionStream<billing.Question, billing.Answer, billing.AskStreamRequest, billing.AskStreamResponse>;
  ivr: QuestionStream<ivr.StepRequest, ivr.StepResponse, ivr.StepStreamRequest, ivr.StepStreamResponse>;
  authClient: auth.AuthServiceClient;
  close(): void;
}

export function openQuestions(addresses: { auth: string; billing: string; ivr: string }): Questions {
  const authClient = grpcClient(auth.AuthServiceClient, addresses.auth);
  const billingClient = grpcClient(billing.BillingServiceClient, addresses.billing);
  const ivrClient = grpcClient(ivr.IvrServiceClient, addresses.ivr);
  const questions: Questions = {
    authClient,
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
