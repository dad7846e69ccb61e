import { auth } from '@ringback/contracts';
import { type Pool, type PoolClient, transaction } from '@ringback/service-kit';
import { countWrongPin, forgive, type Guess, inTurn, type LockoutRules, lockedUntil } from './lockouts.ts';
import type { Account, AuthStore, Judging } from './store.ts';

export class PostgresAuthStore implements AuthStore {
  readonly #pool: Pool;
  readonly #rules: LockoutRules;

  constructor(pool: Pool, rules: LockoutRules) {
    this.#pool = pool;
    this.#rules = rules;
  }

  async callerId(number: string): Promise<{ account: Account; authorised: boolean } | undefined> {
    const { rows } = await this.#pool.query<Account & { authorised: boolean }>(
      `SELECT a.*, c.authorised FROM auth.caller_id c JOIN auth.account a ON a.number = c.account WHERE c.number = $1`,
      [number],
    );
    const [row] = rows;
    return row && { account: row, authorised: row.authorised };
  }

  async account(number: string): Promise<Account | undefined> {
    const { rows } = await this.#pool.query<Account>('SELECT * FROM auth.account WHERE number = $1', [number]);
    return rows[0];
  }

  async speedDial(account: string, code: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ number: string }>(
      'SELECT number FROM auth.speed_dial WHERE account = $1 AND code = $2',
      [account, code],
    );
    return rows[0]?.number;
  }

  lockedUntil(guess: Guess): Promise<bigint | undefined> {
    return lockedUntil(this.#pool, guess);
  }

  answered(requestId: string): Promise<auth.VerifyPinResponse | undefined> {
    return answered(this.#pool, requestId);
  }

  judge(
    { requestId, sealHash, guess }: { requestId: string; sealHash: Buffer; guess: Guess },
    decide: (judging: Judging) => Promise<auth.VerifyPinResponse>,
  ): Promise<auth.VerifyPinResponse | 'used'> {
    return transaction(this.#pool, async (client) => {
      const { rowCount } = await client.query(
        `INSERT INTO auth.verification (request_id, seal_hash, answer) VALUES ($1, $2, '{}') ON CONFLICT DO NOTHING`,
        [requestId, sealHash],
      );
      if (rowCount === 0) return (await answered(client, requestId)) ?? 'used';
      await inTurn(client, guess);
      const answer = await decide({
        lockedUntil: () => lockedUntil(client, guess),
        countWrong: () => countWrongPin(client, guess, this.#rules),
        forgive: () => forgive(client, guess),
        async saveCallerId(number, account) {
          const { rowCount } = await client.query(
            `INSERT INTO auth.caller_id AS known (number, account, authorised) VALUES ($1, $2, true)
             ON CONFLICT (number) DO UPDATE SET authorised = true WHERE known.account = excluded.account`,
            [number, account],
          );
          return rowCount === 1;
        },
      });
      await client.query('UPDATE auth.verification SET answer = $2 WHERE request_id = $1', [
        requestId,
        JSON.stringify(auth.VerifyPinResponse.toJSON(answer)),
      ]);
      return answer;
    });
  }
}

async function answered(db: Pool | PoolClient, requestId: string): Promise<auth.VerifyPinResponse | undefined> {
  const { rows } = await db.query<{ answer: unknown }>(
    `SELECT answer FROM auth.verification WHERE request_id = $1 AND answer <> '{}'`,
    [requestId],
  );
  return rows[0] && auth.VerifyPinResponse.fromJSON(rows[0].answer);
}
