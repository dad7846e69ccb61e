import { createHash } from 'node:crypto';
import { billing } from '@ringback/contracts';
import type { Books } from './books.ts';
import { refund, reverse } from './corrections.ts';
import { expire } from './expire.ts';
import { type Changes, type Environment, Refused } from './model.ts';
import { adjust, setCreditLimit, topUp, transferCredit } from './movements.ts';
import { reserve } from './reserve.ts';
import { settle } from './settle.ts';
import { createVouchers, redeem, voidVouchers } from './vouchers.ts';

/** Requests and responses of the questions that are idempotent by their request id. */
interface Kinds {
  reserve: [billing.ReserveRequest, billing.ReserveResponse];
  settle: [billing.SettleRequest, billing.SettleResponse];
  topUp: [billing.TopUpRequest, billing.TopUpResponse];
  adjust: [billing.AdjustBalanceRequest, billing.AdjustBalanceResponse];
  refund: [billing.RefundLegRequest, billing.RefundLegResponse];
  reverse: [billing.ReverseTransferRequest, billing.ReverseTransferResponse];
  transferCredit: [billing.TransferCreditRequest, billing.TransferCreditResponse];
  setCreditLimit: [billing.SetCreditLimitRequest, billing.SetCreditLimitResponse];
  createVouchers: [billing.CreateVouchersRequest, billing.CreateVouchersResponse];
  voidVouchers: [billing.VoidVouchersRequest, billing.VoidVouchersResponse];
  redeem: [billing.RedeemVoucherRequest, billing.RedeemVoucherResponse];
}
export type Kind = keyof Kinds;
export type Asked<K extends Kind> = { readonly kind: K; readonly request: Kinds[K][0] } & (K extends 'createVouchers'
  ? { readonly batchId: string; readonly hashes: readonly string[] }
  : K extends 'redeem'
    ? { readonly hash: string; readonly subjects: readonly string[] }
    : object);

/** What the batch is asked. All but `expire` are idempotent by their request id. */
export type Question = { [K in Kind]: Asked<K> }[Kind] | { readonly kind: 'expire'; readonly legId: string };

export type ResponseOf<Q extends Question> = Q extends { kind: infer K extends Kind } ? Kinds[K][1] : undefined;
export type Response = Kinds[Kind][1] | undefined;

export interface Decision {
  readonly response: Response;
  readonly changes: Partial<Changes>;
  /** To be kept for ever under the request's id. */
  readonly remember: { requestId: string; hash: Buffer; response: Uint8Array } | undefined;
}

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Exclude<Response, undefined>;
}

/** How requests and responses are written. Messages have the type that their kind says. */
const CODECS = {
  reserve: [billing.ReserveRequest, billing.ReserveResponse],
  settle: [billing.SettleRequest, billing.SettleResponse],
  topUp: [billing.TopUpRequest, billing.TopUpResponse],
  adjust: [billing.AdjustBalanceRequest, billing.AdjustBalanceResponse],
  refund: [billing.RefundLegRequest, billing.RefundLegResponse],
  reverse: [billing.ReverseTransferRequest, billing.ReverseTransferResponse],
  transferCredit: [billing.TransferCreditRequest, billing.TransferCreditResponse],
  setCreditLimit: [billing.SetCreditLimitRequest, billing.SetCreditLimitResponse],
  createVouchers: [billing.CreateVouchersRequest, billing.CreateVouchersResponse],
  voidVouchers: [billing.VoidVouchersRequest, billing.VoidVouchersResponse],
  redeem: [billing.RedeemVoucherRequest, billing.RedeemVoucherResponse],
} as unknown as Record<Kind, readonly [request: Codec, response: Codec]>;

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
  const [, codec] = CODECS[question.kind];
  const stored = books.answers.get(requestId);
  if (stored) {
    if (!stored.hash.equals(hash)) {
      throw new Refused('ALREADY_EXISTS', 'request_id', 'was used for another request');
    }
    return { response: codec.decode(stored.response), changes: {}, remember: undefined };
  }
  const { response, changes, remember = true } = decided(books, question, env);
  const bytes = codec.encode(response).finish();
  return { response, changes, remember: remember ? { requestId, hash, response: bytes } : undefined };
}

function decided(
  books: Books,
  question: Exclude<Question, { kind: 'expire' }>,
  env: Environment,
): { response: Response; changes: Partial<Changes>; remember?: boolean } {
  switch (question.kind) {
    case 'reserve':
      return reserve(books, question.request, env);
    case 'settle':
      return settle(books, question.request, env);
    case 'topUp':
      return topUp(books, question.request, env);
    case 'adjust':
      return adjust(books, question.request, env);
    case 'refund':
      return refund(books, question.request, env);
    case 'reverse':
      return reverse(books, question.request, env);
    case 'transferCredit':
      return transferCredit(books, question.request, env);
    case 'setCreditLimit':
      return setCreditLimit(books, question.request);
    case 'createVouchers':
      return createVouchers(question.request, question, env);
    case 'voidVouchers':
      return voidVouchers(books, question.request, env);
    case 'redeem':
      return redeem(books, question.request, question, env);
  }
}

/**
 * SHA-256 of the request. Who asks and when (shard, epoch, time of the question) is no part of it: the next owner of a
 * session asks the same question again, and gets the same answer. Nor is a voucher's code as it was keyed: its keyed hash is.
 */
function hashOf(question: Exclude<Question, { kind: 'expire' }>): Buffer {
  const [codec] = CODECS[question.kind];
  const hash = createHash('sha256').update(question.kind);
  if (question.kind === 'redeem') hash.update(question.hash);
  const request =
    question.kind === 'reserve'
      ? { ...question.request, shard: 0, epoch: 0n, atUs: 0n }
      : question.kind === 'redeem'
        ? { ...question.request, code: '', source: '' }
        : question.request;
  return hash.update(codec.encode(request).finish()).digest();
}
