import { ivr } from '@ringback/contracts';
import {
  answerStream,
  GrpcError,
  type Logger,
  ofRequest,
  servedRequests,
  type SpanAttributes,
  unaryHandlers,
  withSpan,
} from '@ringback/service-kit';
import { StepError } from '../dialogue/errors.ts';
import { step, type Voices } from '../dialogue/step.ts';

/** The service's methods. Nothing a request holds is logged: only which field was wrong. */
export function stepHandlers(voices: Voices, log: Logger) {
  const served = servedRequests();
  return {
    ...unaryHandlers(log, {
      step: async (request: ivr.StepRequest) => {
        try {
          return await withSpan('ivr step', undefined, told(request), () => answer(request, voices));
        } catch (error) {
          if (error instanceof StepError) throw GrpcError.invalidArgument(error.field, error.message);
          throw error;
        }
      },
    }),
    stepStream: answerStream<ivr.StepStreamRequest, ivr.StepStreamResponse>({
      log,
      answer: async ({ steps }) => ({
        steps: await Promise.all(steps.map((request) => answerOne(request, voices, log, served))),
      }),
    }),
  };
}

const answer = ({ requestId, state, event }: ivr.StepRequest, voices: Voices): ivr.StepResponse =>
  ivr.StepResponse.fromPartial({ requestId, ...step(state, event, voices) });

/** The event's kind is all that a span tells of a step. */
const told = ({ event }: ivr.StepRequest): SpanAttributes => ({ 'ivr.event': event?.$case ?? 'none' });

/** A span of the effect that the step is. */
const traced = <T>(
  served: ReturnType<typeof servedRequests>,
  request: ivr.StepRequest,
  work: () => Promise<T>,
): Promise<T> => {
  const { requestId, traceparent } = request;
  const attributes = { ...ofRequest(requestId), ...told(request) };
  return served({ method: 'ringback.ivr.v1.IvrService/Step', name: 'ivr step', traceparent, attributes }, work);
};

/** One of a batch: what is wrong with it is its own affair. */
async function answerOne(
  request: ivr.StepRequest,
  voices: Voices,
  log: Logger,
  served: ReturnType<typeof servedRequests>,
): Promise<ivr.StepResponse> {
  const { requestId, state, event } = request;
  const refuse = (field: string, message: string): ivr.StepResponse =>
    ivr.StepResponse.fromPartial({ requestId, state, next: { $case: 'refused', value: { field, message } } });
  try {
    return await traced(served, request, async () => {
      try {
        if (requestId === '') throw new StepError('request_id', 'is missing: the reply could not be told from others');
        return answer(request, voices);
      } catch (error) {
        if (!(error instanceof StepError)) log.error({ err: error, event: event?.$case }, 'a step failed');
        throw error;
      }
    });
  } catch (error) {
    return error instanceof StepError ? refuse(error.field, error.message) : refuse('', 'internal error');
  }
}
