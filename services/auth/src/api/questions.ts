import { createHash } from 'node:crypto';
import { auth } from '@ringback/contracts';
import { parseDestination } from '@ringback/numbering';
import { KEY_BYTES, open, SEALED_BYTES, SealError } from '@ringback/sealing';
import { GrpcError } from '@ringback/service-kit';
import type { Guess } from '../lockouts.ts';
import type { Pins } from '../pins.ts';
import type { SealingKey } from '../sealing-key.ts';
import type { Account, AuthStore, Judging } from '../store.ts';
import { bytes, e164, keyedAccount, present } from './fields.ts';

const view = ({ number, country, language, suspended }: Account): auth.AccountView => ({
  number,
  country,
  language,
  suspended,
});

const {
  IdentifyResponse_Status: Status,
  VerifyPinResponse_Outcome: Outcome,
  ResolveDestinationResponse_Outcome: Resolved,
} = auth;

export interface QuestionDeps {
  store: AuthStore;
  pins: Pick<Pins, 'matches'>;
  key: SealingKey;
}

/** What the dialer asks in mid-call. Every method throws `GrpcError` naming the field of a question that makes no sense. */
export class Questions {
  readonly #deps: QuestionDeps;

  constructor(deps: QuestionDeps) {
    this.#deps = deps;
  }

  async identify({ callerId, trusted, accessNumber }: auth.IdentifyRequest): Promise<auth.IdentifyResponse> {
    e164('access_number', present('access_number', accessNumber));
    if (callerId !== '') e164('caller_id', callerId);
    const { store } = this.#deps;
    const known = await store.callerId(callerId);
    const row = known?.account;
    const until = await store.lockedUntil({ account: row?.number ?? '', callerId, accessNumber: '' });
    const answer = (status: auth.IdentifyResponse_Status): auth.IdentifyResponse => ({
      status,
      account: row && view(row),
      authorised: status === Status.KNOWN && known!.authorised && trusted,
      lockedUntilUs: until ?? 0n,
    });
    if (until !== undefined) return answer(Status.LOCKED);
    if (!row) return answer(Status.UNKNOWN);
    return answer(row.suspended ? Status.SUSPENDED : Status.KNOWN);
  }

  async verifyPin(request: auth.VerifyPinRequest): Promise<auth.VerifyPinResponse> {
    const { store } = this.#deps;
    present('request_id', request.requestId);
    for (const field of ['sessionId', 'legId', 'commandId'] as const) present(snake(field), request[field]);
    keyedAccount('account_number', request.accountNumber);
    if (request.callerId !== '') e164('caller_id', request.callerId);
    e164('access_number', present('access_number', request.accessNumber));
    bytes('ephemeral_public_key', request.ephemeralPublicKey, KEY_BYTES);
    bytes('ciphertext', request.ciphertext, SEALED_BYTES);
    const known = await store.answered(request.requestId);
    if (known) return known;
    const digits = this.#open(request);
    const guess: Guess = {
      account: request.accountNumber,
      callerId: request.callerId,
      accessNumber: request.accessNumber,
    };
    const account = await store.account(request.accountNumber);
    // Hashing comes before the transaction: it takes long, and the same time whatever the answer will be.
    const right = digits !== undefined && (await this.#deps.pins.matches(digits, account?.pin_hash));
    const sealHash = createHash('sha256').update(request.ephemeralPublicKey).update(request.ciphertext).digest();
    const answer = await store.judge({ requestId: request.requestId, sealHash, guess }, (judging) =>
      decide(judging, request, right ? account : undefined),
    );
    if (answer === 'used') throw GrpcError.invalidArgument('ciphertext', 'was used before: a seal is single use');
    return answer;
  }

  /** The digits, or undefined when the seal does not open: that counts as a wrong PIN. */
  #open(request: auth.VerifyPinRequest): string | undefined {
    const { accountNumber: account, sessionId, legId, commandId, keyId, ephemeralPublicKey, ciphertext } = request;
    const { key } = this.#deps;
    if (keyId !== key.keyId) throw GrpcError.invalidArgument('key_id', 'is not a key of this installation');
    try {
      return open({ keyId, ephemeralPublicKey, ciphertext }, key.privateKey, { account, sessionId, legId, commandId });
    } catch (error) {
      if (error instanceof SealError) return undefined;
      throw error;
    }
  }

  async resolveDestination(request: auth.ResolveDestinationRequest): Promise<auth.ResolveDestinationResponse> {
    const { accountNumber, digits } = request;
    const { store } = this.#deps;
    const account = await store.account(present('account_number', accountNumber));
    if (!account) throw GrpcError.notFound('account_number', 'there is no such account');
    const speedDial = await store.speedDial(account.number, digits);
    if (speedDial !== undefined) return { outcome: Resolved.OK, e164: speedDial };
    const destination = parseDestination(digits, account.country);
    switch (destination.is) {
      case 'number':
        return { outcome: Resolved.OK, e164: destination.e164 };
      case 'emergency':
        return { outcome: Resolved.EMERGENCY, e164: '' };
      case 'invalid':
        return { outcome: /^\d{1,3}$/.test(digits) ? Resolved.UNKNOWN_SPEED_DIAL : Resolved.INVALID, e164: '' };
    }
  }

  getSealingKey(): Promise<auth.GetSealingKeyResponse> {
    const { keyId, publicKey } = this.#deps.key;
    return Promise.resolve({ keyId, publicKey });
  }
}

/** `account`: undefined where the PIN was wrong, whichever of the two was. */
async function decide(
  judging: Judging,
  request: auth.VerifyPinRequest,
  account: Account | undefined,
): Promise<auth.VerifyPinResponse> {
  const answer = auth.VerifyPinResponse.fromPartial({ outcome: Outcome.WRONG });
  const locked = (until: bigint) => Object.assign(answer, { outcome: Outcome.LOCKED, lockedUntilUs: until });
  const already = await judging.lockedUntil();
  if (already !== undefined) return locked(already);
  if (!account) {
    const until = await judging.countWrong();
    return until === undefined ? answer : locked(until);
  }
  if (account.suspended) return Object.assign(answer, { outcome: Outcome.SUSPENDED });
  await judging.forgive();
  answer.outcome = Outcome.OK;
  answer.account = view(account);
  if (request.saveCallerId && request.callerId !== '') {
    answer.callerIdSaved = await judging.saveCallerId(request.callerId, account.number);
  }
  return answer;
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
