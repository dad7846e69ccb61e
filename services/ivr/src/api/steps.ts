import { ivr } from '@ringback/contracts';
import { answerStream, GrpcError, type Logger, unaryHandlers, withSpan } from '@ringback/service-kit';
import { StepError } from '../dialogue/errors.ts';
import { step, type Voices } from '../dialogue/step.ts';

/** The service's methods. Nothing a request holds is logged: only which field was wrong. */
export function stepHandlers(voices: Voices, log: Logger) {
  return {
    ...unaryHandlers(log, {
      step: async (request: ivr.StepRequest) => {
        try {
          return await traced(request, async () => answer(request, voices));
        } catch (error) {
          if (error instanceof StepError) throw GrpcError.invalidArgument(error.field, error.message);
          throw error;
        }
      },
    }),
    stepStream: answerStream<ivr.StepStreamRequest, ivr.StepStreamResponse>({
      log,
      answer: async ({ steps }) => ({
        steps: await Promise.all(steps.map((request) => answerOne(request, voices, log))),
      }),
    }),
  };
}

const answer = ({ requestId, state, event }: ivr.StepRequest, voices: Voices): ivr.StepResponse =>
  ivr.StepResponse.fromPartial({ requestId, ...step(state, event, voices) });

/** A span of the effect that the step is; the question's kind is all that it tells. */
const traced = <T>({ traceparent, event }: ivr.StepRequest, work: () => Promise<T>): Promise<T> =>
  withSpan('ivr.step', traceparent || undefined, { 'ivr.event': event?.$case ?? 'none' }, work);

/** One of a batch: what is wrong with it is its own affair. */
function answerOne(request: ivr.StepRequest, voices: Voices, log: Logger): Promise<ivr.StepResponse> {
  const { requestId, state, event } = request;
  const refuse = (field: string, message: string): ivr.StepResponse =>
    ivr.StepResponse.fromPartial({ requestId, state, next: { $case: 'refused', value: { field, message } } });
  return traced(request, async () => {
    try {
      if (requestId === '') throw new StepError('request_id', 'is missing: the reply could not be told from others');
      return answer(request, voices);
    } catch (error) {
      if (error instanceof StepError) return refuse(error.field, error.message);
      log.error({ err: error, event: event?.$case }, 'a step failed');
      return refuse('', 'internal error');
    }
  });
}
