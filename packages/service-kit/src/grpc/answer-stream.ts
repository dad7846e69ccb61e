import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Logger } from '../log.ts';

export interface AnswerStreamOptions<Request, Response> {
  log: Logger;
  /** Answers a whole batch; it never throws for a single bad question: that one is answered by a refusal. */
  answer(batch: Request): Promise<Response>;
  /** Batches of one stream worked on at the same time; more are read only when one is done. Default 4. */
  concurrency?: number;
}

/** Serves a bidirectional stream of batches, with backpressure: reading stops while `concurrency` batches are under way. */
export function answerStream<Request, Response>(
  options: AnswerStreamOptions<Request, Response>,
): (call: ServerDuplexStream<Request, Response>) => void {
  const limit = options.concurrency ?? 4;
  return (call) => {
    let underWay = 0;
    let ended = false;
    const finish = (): void => {
      if (ended && underWay === 0) call.end();
    };
    call.on('data', (batch: Request) => {
      underWay += 1;
      if (underWay >= limit) call.pause();
      options
        .answer(batch)
        .then(
          (response) => void call.write(response),
          (error: unknown) => {
            options.log.error({ err: error }, 'a batch could not be answered');
            call.destroy(error instanceof Error ? error : new Error(String(error)));
          },
        )
        .finally(() => {
          underWay -= 1;
          call.resume();
          finish();
        });
    });
    call.on('end', () => {
      ended = true;
      finish();
    });
    // The peer went away: its questions are asked again over the next stream.
    call.on('error', () => {});
  };
}
