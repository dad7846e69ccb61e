import { GrpcError } from '@ringback/service-kit';
import { Refused } from '../domain/model.ts';

/** A refusal as a gRPC status; other errors as they are. */
export const asGrpcError = (error: unknown): unknown =>
  error instanceof Refused ? new GrpcError(error.code, error.field, error.message, { cause: error }) : error;

/** Handlers whose refusals become gRPC statuses. */
export const refusing = <H extends Record<string, (request: never) => Promise<unknown>>>(handlers: H): H =>
  Object.fromEntries(
    Object.entries(handlers).map(([name, work]) => [
      name,
      (request: never) => work(request).catch((error: unknown) => Promise.reject(asGrpcError(error))),
    ]),
  ) as H;

/** The same for what answers by a stream. */
export const refusingStream = <Request, Response>(produce: (request: Request) => AsyncIterable<Response>) =>
  async function* (request: Request): AsyncGenerator<Response> {
    try {
      yield* produce(request);
    } catch (error) {
      throw asGrpcError(error);
    }
  };
