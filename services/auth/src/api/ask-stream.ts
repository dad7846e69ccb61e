import type { auth } from '@ringback/contracts';
import { toGrpcError, withSpan } from '@ringback/service-kit';
import type { Questions } from './questions.ts';

/** Answers a batch: each question by itself; one that makes no sense is answered by a refusal. */
export async function answerBatch(questions: Questions, batch: auth.AskStreamRequest): Promise<auth.AskStreamResponse> {
  return { answers: await Promise.all(batch.questions.map((each) => answerOne(questions, each))) };
}

async function answerOne(questions: Questions, { question, traceparent }: auth.Question): Promise<auth.Answer> {
  const requestId = question?.value.requestId ?? '';
  try {
    return await withSpan(`auth.${question?.$case ?? 'nothing'}`, traceparent, {}, async () => {
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
