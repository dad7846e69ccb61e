import type { ClientDuplexStream } from '@grpc/grpc-js';
import { Backoff } from '../backoff.ts';
import { GrpcError } from './errors.ts';

export interface QuestionStreamOptions<Question, Answer, Batch, Reply> {
  /** Opens the bidirectional method, e.g. `() => client.askStream()`. */
  open(): ClientDuplexStream<Batch, Reply>;
  /** Wraps questions into one message; at most `maxBatch`. */
  pack(questions: Question[]): Batch;
  unpack(reply: Reply): Answer[];
  idOf(answer: Answer): string;
  maxBatch?: number;
}

interface Waiting<Question, Answer> {
  question: Question;
  answer: Promise<Answer>;
  resolve(answer: Answer): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/**
 * Asks questions over one long-lived stream in batches: all questions of one turn of the event loop travel together.
 * When the stream breaks, the unanswered are asked again over the next one (questions are idempotent by their id).
 */
export class QuestionStream<Question, Answer, Batch, Reply> {
  readonly #options: QuestionStreamOptions<Question, Answer, Batch, Reply>;
  readonly #waiting = new Map<string, Waiting<Question, Answer>>();
  readonly #backoff = new Backoff(50, 1_000);
  #toSend: string[] = [];
  #stream: ClientDuplexStream<Batch, Reply> | undefined;
  #reopen: NodeJS.Timeout | undefined;
  #flushing = false;
  #closed = false;

  constructor(options: QuestionStreamOptions<Question, Answer, Batch, Reply>) {
    this.#options = options;
  }

  /**
   * What is asked already (the same id) is not asked twice: both get its answer.
   * @throws {GrpcError} UNAVAILABLE when no answer came within `deadlineMs`.
   */
  ask(id: string, question: Question, deadlineMs: number): Promise<Answer> {
    if (this.#closed) return Promise.reject(GrpcError.unavailable('the question stream is closed'));
    const asked = this.#waiting.get(id);
    if (asked) return asked.answer;
    const { promise: answer, resolve, reject } = Promise.withResolvers<Answer>();
    const timer = setTimeout(() => {
      this.#waiting.delete(id);
      reject(GrpcError.unavailable(`no answer within ${deadlineMs} ms`));
    }, deadlineMs);
    this.#waiting.set(id, { question, answer, resolve, reject, timer });
    this.#toSend.push(id);
    this.#schedule();
    return answer;
  }

  /** Ends the stream; what is unanswered is rejected. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopen);
    this.#stream?.end();
    this.#stream = undefined;
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(GrpcError.unavailable('the question stream was closed'));
    }
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#flushing || this.#reopen) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#closed) return;
    const stream = (this.#stream ??= this.#connect());
    const ids = this.#toSend.filter((id) => this.#waiting.has(id));
    this.#toSend = [];
    const size = this.#options.maxBatch ?? 500;
    for (let at = 0; at < ids.length; at += size) {
      const questions = ids.slice(at, at + size).map((id) => this.#waiting.get(id)!.question);
      stream.write(this.#options.pack(questions));
    }
  }

  #connect(): ClientDuplexStream<Batch, Reply> {
    const stream = this.#options.open();
    stream.on('data', (reply: Reply) => {
      this.#backoff.reset();
      for (const answer of this.#options.unpack(reply)) this.#settle(answer);
    });
    const broken = (): void => {
      if (this.#stream !== stream || this.#closed) return;
      this.#stream = undefined;
      this.#toSend = [...this.#waiting.keys()];
      this.#reopen ??= setTimeout(() => {
        this.#reopen = undefined;
        if (this.#toSend.length > 0) this.#schedule();
      }, this.#backoff.next());
    };
    stream.on('error', broken);
    stream.on('end', broken);
    return stream;
  }

  #settle(answer: Answer): void {
    const id = this.#options.idOf(answer);
    const waiting = this.#waiting.get(id);
    if (!waiting) return; // answered late or twice
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(answer);
  }
}
