import { createHash } from 'node:crypto';
import { billing } from '@ringback/contracts';
import type { Books } from './books.ts';
import { expire } from './expire.ts';
import { type Changes, type Environment, Refused } from './model.ts';
import { reserve } from './reserve.ts';
import { settle } from './settle.ts';
import { topUp } from './top-up.ts';

/** What the batch is asked. All but `expire` are idempotent by their request id. */
export type Question =
  | { readonly kind: 'reserve'; readonly request: billing.ReserveRequest }
  | { readonly kind: 'settle'; readonly request: billing.SettleRequest }
  | { readonly kind: 'topUp'; readonly request: billing.TopUpRequest }
  | { readonly kind: 'expire'; readonly legId: string };

export type Response = billing.ReserveResponse | billing.SettleResponse | billing.TopUpResponse | undefined;

export interface Decision {
  readonly response: Response;
  readonly changes: Partial<Changes>;
  /** To be kept for ever under the request's id. */
  readonly remember: { requestId: string; hash: Buffer; response: Uint8Array } | undefined;
}

/**
 * Decides one question on the books; the same request again gets the stored answer.
 * @throws {Refused} when it cannot be answered: then nothing is changed, and the key is not used up.
 * @throws {DeckNotLoaded}
 */
export function decide(books: Books, question: Question, env: Environment): Decision {
  if (question.kind === 'expire') {
    return { response: undefined, changes: expire(books, question.legId, env), remember: undefined };
  }
  const { requestId } = question.request;
  const hash = hashOf(question);
  const stored = books.answers.get(requestId);
  if (stored) {
    if (!stored.hash.equals(hash)) {
      throw new Refused('ALREADY_EXISTS', 'request_id', 'was used for another request');
    }
    return { response: decode(question.kind, stored.response), changes: {}, remember: undefined };
  }
  switch (question.kind) {
    case 'reserve': {
      const { response, changes, remember } = reserve(books, question.request, env);
      const bytes = billing.ReserveResponse.encode(response).finish();
      return { response, changes, remember: remember ? { requestId, hash, response: bytes } : undefined };
    }
    case 'settle': {
      const { response, changes } = settle(books, question.request, env);
      return {
        response,
        changes,
        remember: { requestId, hash, response: billing.SettleResponse.encode(response).finish() },
      };
    }
    case 'topUp': {
      const { response, changes } = topUp(books, question.request, env);
      return {
        response,
        changes,
        remember: { requestId, hash, response: billing.TopUpResponse.encode(response).finish() },
      };
    }
  }
}

/**
 * SHA-256 of the request. Who asks and when (shard, epoch, time of the question) is no part of it: the next owner of a
 * session asks the same question again, and gets the same answer.
 */
function hashOf(question: Exclude<Question, { kind: 'expire' }>): Buffer {
  const bytes =
    question.kind === 'reserve'
      ? billing.ReserveRequest.encode({ ...question.request, shard: 0, epoch: 0n, atUs: 0n }).finish()
      : question.kind === 'settle'
        ? billing.SettleRequest.encode(question.request).finish()
        : billing.TopUpRequest.encode(question.request).finish();
  return createHash('sha256').update(question.kind).update(bytes).digest();
}

function decode(kind: Question['kind'], bytes: Uint8Array): Response {
  switch (kind) {
    case 'reserve':
      return billing.ReserveResponse.decode(bytes);
    case 'settle':
      return billing.SettleResponse.decode(bytes);
    case 'topUp':
      return billing.TopUpResponse.decode(bytes);
    case 'expire':
      return undefined;
  }
}
