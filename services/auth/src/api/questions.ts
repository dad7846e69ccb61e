import { createHash } from 'node:crypto';
import { auth } from '@ringback/contracts';
import { parseDestination } from '@ringback/numbering';
import { KEY_BYTES, open, SEALED_BYTES, SealError } from '@ringback/sealing';
import { GrpcError, type Pool, type PoolClient, transaction } from '@ringback/service-kit';
import { countWrongPin, forgive, type Guess, inTurn, type LockoutRules, lockedUntil } from '../lockouts.ts';
import type { Pins } from '../pins.ts';
import type { SealingKey } from '../sealing-key.ts';
import { bytes, e164, keyedAccount, present } from './fields.ts';

interface AccountRow {
  number: string;
  pin_hash: string;
  country: string;
  language: string;
  suspended: boolean;
}

const view = ({ number, country, language, suspended }: AccountRow): auth.AccountView => ({
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
  pool: Pool;
  pins: Pins;
  key: SealingKey;
  rules: LockoutRules;
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
    const { pool } = this.#deps;
    const { rows } = await pool.query<AccountRow & { authorised: boolean }>(
      `SELECT a.*, c.authorised FROM auth.caller_id c JOIN auth.account a ON a.number = c.account WHERE c.number = $1`,
      [callerId],
    );
    const [row] = rows;
    const until = await lockedUntil(pool, { account: row?.number ?? '', callerId, accessNumber: '' });
    const answer = (status: auth.IdentifyResponse_Status): auth.IdentifyResponse => ({
      status,
      account: row && view(row),
      authorised: status === Status.KNOWN && row!.authorised && trusted,
      lockedUntilUs: until ?? 0n,
    });
    if (until !== undefined) return answer(Status.LOCKED);
    if (!row) return answer(Status.UNKNOWN);
    return answer(row.suspended ? Status.SUSPENDED : Status.KNOWN);
  }

  async verifyPin(request: auth.VerifyPinRequest): Promise<auth.VerifyPinResponse> {
    const { pool } = this.#deps;
    present('request_id', request.requestId);
    for (const field of ['sessionId', 'legId', 'commandId'] as const) present(snake(field), request[field]);
    keyedAccount('account_number', request.accountNumber);
    if (request.callerId !== '') e164('caller_id', request.callerId);
    e164('access_number', present('access_number', request.accessNumber));
    bytes('ephemeral_public_key', request.ephemeralPublicKey, KEY_BYTES);
    bytes('ciphertext', request.ciphertext, SEALED_BYTES);
    const known = await storedAnswer(pool, request.requestId);
    if (known) return known;
    const digits = this.#open(request);
    const guess: Guess = {
      account: request.accountNumber,
      callerId: request.callerId,
      accessNumber: request.accessNumber,
    };
    const { rows } = await pool.query<AccountRow>('SELECT * FROM auth.account WHERE number = $1', [
      request.accountNumber,
    ]);
    const [account] = rows;
    // Hashing comes before the transaction: it takes long, and the same time whatever the answer will be.
    const right = digits !== undefined && (await this.#deps.pins.matches(digits, account?.pin_hash));
    const sealHash = createHash('sha256').update(request.ephemeralPublicKey).update(request.ciphertext).digest();
    return this.#decide(request, guess, right ? account : undefined, sealHash);
  }

  #decide(
    request: auth.VerifyPinRequest,
    guess: Guess,
    account: AccountRow | undefined,
    sealHash: Buffer,
  ): Promise<auth.VerifyPinResponse> {
    return transaction(this.#deps.pool, async (client) => {
      const { rowCount } = await client.query(
        `INSERT INTO auth.verification (request_id, seal_hash, answer) VALUES ($1, $2, '{}') ON CONFLICT DO NOTHING`,
        [request.requestId, sealHash],
      );
      if (rowCount === 0) {
        const stored = await storedAnswer(client, request.requestId);
        if (stored) return stored;
        throw GrpcError.invalidArgument('ciphertext', 'was used before: a seal is single use');
      }
      const answer = auth.VerifyPinResponse.fromPartial({ outcome: Outcome.WRONG });
      await inTurn(client, guess);
      const locked = await lockedUntil(client, guess);
      if (locked !== undefined) Object.assign(answer, { outcome: Outcome.LOCKED, lockedUntilUs: locked });
      else if (!account) {
        const until = await countWrongPin(client, guess, this.#deps.rules);
        if (until !== undefined) Object.assign(answer, { outcome: Outcome.LOCKED, lockedUntilUs: until });
      } else if (account.suspended) answer.outcome = Outcome.SUSPENDED;
      else {
        await forgive(client, guess);
        answer.outcome = Outcome.OK;
        answer.account = view(account);
        if (request.saveCallerId && request.callerId !== '') {
          await client.query(
            `INSERT INTO auth.caller_id (number, account, authorised) VALUES ($1, $2, true)
             ON CONFLICT (number) DO UPDATE SET account = excluded.account, authorised = true`,
            [request.callerId, account.number],
          );
          answer.callerIdSaved = true;
        }
      }
      await client.query('UPDATE auth.verification SET answer = $2 WHERE request_id = $1', [
        request.requestId,
        JSON.stringify(auth.VerifyPinResponse.toJSON(answer)),
      ]);
      return answer;
    });
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
    const { rows } = await this.#deps.pool.query<{ country: string; speed_dial: string | null }>(
      `SELECT country, (SELECT number FROM auth.speed_dial s WHERE s.account = a.number AND s.code = $2) AS speed_dial
       FROM auth.account a WHERE a.number = $1`,
      [present('account_number', accountNumber), digits],
    );
    const [row] = rows;
    if (!row) throw GrpcError.notFound('account_number', 'there is no such account');
    if (row.speed_dial !== null) return { outcome: Resolved.OK, e164: row.speed_dial };
    const destination = parseDestination(digits, row.country);
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

async function storedAnswer(db: Pool | PoolClient, requestId: string): Promise<auth.VerifyPinResponse | undefined> {
  const { rows } = await db.query<{ answer: unknown }>(
    `SELECT answer FROM auth.verification WHERE request_id = $1 AND answer <> '{}'`,
    [requestId],
  );
  return rows[0] && auth.VerifyPinResponse.fromJSON(rows[0].answer);
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
