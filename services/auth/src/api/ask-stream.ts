import type { auth } from '@ringback/contracts';
import { ofRequest, servedRequests, toGrpcError } from '@ringback/service-kit';
import type { Questions } from './questions.ts';

/** The unary methods that questions of the stream stand for. */
const METHODS = {
  identify: 'ringback.auth.v1.AuthService/Identify',
  verifyPin: 'ringback.auth.v1.AuthService/VerifyPin',
  resolveDestination: 'ringback.auth.v1.AuthService/ResolveDestination',
  nothing: 'ringback.auth.v1.AuthService/AskStream',
} as const;

/** Answers batches: each question by itself; one that makes no sense is answered by a refusal. */
export function batchAnswers(questions: Questions): (batch: auth.AskStreamRequest) => Promise<auth.AskStreamResponse> {
  const served = servedRequests();
  return async (batch) => ({
    answers: await Promise.all(batch.questions.map((each) => answerOne(questions, each, served))),
  });
}

async function answerOne(
  questions: Questions,
  { question, traceparent }: auth.Question,
  served: ReturnType<typeof servedRequests>,
): Promise<auth.Answer> {
  const requestId = question?.value.requestId ?? '';
  const kind = question?.$case ?? 'nothing';
  try {
    const attributes = ofRequest(requestId);
    return await served({ method: METHODS[kind], name: `auth ${kind}`, traceparent, attributes }, async () => {
      switch (question?.$case) {
        case 'identify':
          return { requestId, answer: { $case: 'identify', value: await questions.identify(question.value) } };
        case 'verifyPin':
          return { requestId, answer: { $case: 'verifyPin', value: await questions.verifyPin(question.value) } };
        case 'resolveDestination': {
          const value = await questions.resolveDestination(question.value);
          return { requestId, answer: { $case: 'resolveDestination', value } };
        }
        default:
          return { requestId, answer: refusal('INVALID_ARGUMENT', 'question', 'is missing') };
      }
    });
  } catch (error) {
    const { code, field, message } = toGrpcError(error);
    return { requestId, answer: refusal(code, field, message) };
  }
}

const refusal = (code: string, field: string, message: string): auth.Answer['answer'] => ({
  $case: 'refusal',
  value: { code, field, message },
});
