import { randomInt } from 'node:crypto';
import { auth } from '@ringback/contracts';
import { GrpcError, type Pool } from '@ringback/service-kit';
import type { Pins } from '../pins.ts';
import * as field from './fields.ts';

const digits = (length: number): string => Array.from({ length }, () => randomInt(10)).join('');
/** An account number that somebody else has is tried again with another. */
const NUMBER_TRIES = 10;
const UNIQUE_VIOLATION = '23505';

const SELECT = `
SELECT a.number, a.country, a.language, a.suspended,
  (extract(epoch FROM a.created_at) * 1000000)::int8 AS created_at_us,
  coalesce((SELECT (extract(epoch FROM max(locked_until)) * 1000000)::int8 FROM auth.lockout
            WHERE subject = 'account:' || a.number AND locked_until > now()), 0) AS locked_until_us,
  coalesce((SELECT json_agg(json_build_object('number', c.number, 'authorised', c.authorised,
              'createdAtUs', ((extract(epoch FROM c.created_at) * 1000000)::int8)::text) ORDER BY c.number)
            FROM auth.caller_id c WHERE c.account = a.number), '[]') AS caller_ids,
  coalesce((SELECT json_agg(json_build_object('code', s.code, 'number', s.number) ORDER BY s.code)
            FROM auth.speed_dial s WHERE s.account = a.number), '[]') AS speed_dials
FROM auth.account a`;

interface Row {
  number: string;
  country: string;
  language: string;
  suspended: boolean;
  created_at_us: bigint;
  locked_until_us: bigint;
  caller_ids: { number: string; authorised: boolean; createdAtUs: string }[];
  speed_dials: { code: string; number: string }[];
}

const toAccount = (row: Row): auth.Account => ({
  number: row.number,
  country: row.country,
  language: row.language,
  suspended: row.suspended,
  createdAtUs: row.created_at_us,
  lockedUntilUs: row.locked_until_us,
  callerIds: row.caller_ids.map((each) => ({ ...each, createdAtUs: BigInt(each.createdAtUs) })),
  speedDials: row.speed_dials,
});

export function accountHandlers(pool: Pool, pins: Pins) {
  const find = async (number: string): Promise<auth.Account> => {
    const { rows } = await pool.query<Row>(`${SELECT} WHERE a.number = $1`, [number]);
    if (!rows[0]) throw GrpcError.notFound('number', 'there is no such account');
    return toAccount(rows[0]);
  };

  return {
    async createAccount(request: auth.CreateAccountRequest): Promise<auth.CreateAccountResponse> {
      const country = field.country('country', request.country || 'PL');
      const language = field.language('language', request.language || 'en');
      if (request.number !== '') field.accountNumber('number', request.number);
      const pin = request.pin === '' ? digits(6) : field.pin('pin', request.pin);
      const hash = await pins.hash(pin);
      for (let attempt = 1; ; attempt += 1) {
        const number = request.number || `${randomInt(1, 10)}${digits(7)}`;
        try {
          await pool.query('INSERT INTO auth.account (number, pin_hash, country, language) VALUES ($1, $2, $3, $4)', [
            number,
            hash,
            country,
            language,
          ]);
          return { account: await find(number), pin: request.pin === '' ? pin : '' };
        } catch (error) {
          if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
          if (request.number !== '' || attempt === NUMBER_TRIES) throw GrpcError.alreadyExists('number', 'is taken');
        }
      }
    },

    getAccount: async ({ number }: auth.GetAccountRequest): Promise<auth.GetAccountResponse> => ({
      account: await find(field.accountNumber('number', number)),
    }),

    async listAccounts({ pageSize, pageToken }: auth.ListAccountsRequest): Promise<auth.ListAccountsResponse> {
      const size = Math.min(pageSize || 100, 1_000);
      const { rows } = await pool.query<Row>(`${SELECT} WHERE a.number > $1 ORDER BY a.number LIMIT $2`, [
        pageToken,
        size,
      ]);
      return { accounts: rows.map(toAccount), nextPageToken: rows.length === size ? rows.at(-1)!.number : '' };
    },

    async updateAccount(request: auth.UpdateAccountRequest): Promise<auth.UpdateAccountResponse> {
      const number = field.accountNumber('number', request.number);
      await pool.query(
        `UPDATE auth.account SET country = coalesce($2, country), language = coalesce($3, language),
           suspended = coalesce($4, suspended) WHERE number = $1`,
        [
          number,
          request.country === undefined ? null : field.country('country', request.country),
          request.language === undefined ? null : field.language('language', request.language),
          request.suspended ?? null,
        ],
      );
      return { account: await find(number) };
    },

    async setPin(request: auth.SetPinRequest): Promise<auth.SetPinResponse> {
      const hash = await pins.hash(field.pin('pin', request.pin));
      const { rowCount } = await pool.query('UPDATE auth.account SET pin_hash = $2 WHERE number = $1', [
        request.number,
        hash,
      ]);
      if (!rowCount) throw GrpcError.notFound('number', 'there is no such account');
      return {};
    },

    async unlock({ number }: auth.UnlockRequest): Promise<auth.UnlockResponse> {
      const account = await find(field.accountNumber('number', number));
      const subjects = [`account:${number}`, ...account.callerIds.map((each) => `caller:${each.number}`)];
      await pool.query('DELETE FROM auth.lockout WHERE subject = ANY($1)', [subjects]);
      return {};
    },

    async putCallerId(request: auth.PutCallerIdRequest): Promise<auth.PutCallerIdResponse> {
      const account = await find(field.accountNumber('account_number', request.accountNumber));
      const { rowCount } = await pool.query(
        `INSERT INTO auth.caller_id AS known (number, account, authorised) VALUES ($1, $2, $3)
         ON CONFLICT (number) DO UPDATE SET account = excluded.account, authorised = excluded.authorised
           WHERE known.account = excluded.account OR $4`,
        [field.e164('number', request.number), account.number, request.authorised, request.move],
      );
      if (rowCount === 0) throw GrpcError.alreadyExists('number', 'belongs to another account; move takes it away');
      return { account: await find(account.number) };
    },

    async deleteCallerId({ accountNumber, number }: auth.DeleteCallerIdRequest): Promise<auth.DeleteCallerIdResponse> {
      const { rowCount } = await pool.query('DELETE FROM auth.caller_id WHERE account = $1 AND number = $2', [
        accountNumber,
        number,
      ]);
      if (!rowCount) throw GrpcError.notFound('number', 'the account has no such caller ID');
      return {};
    },

    async putSpeedDial(request: auth.PutSpeedDialRequest): Promise<auth.PutSpeedDialResponse> {
      const account = await find(field.accountNumber('account_number', request.accountNumber));
      await pool.query(
        `INSERT INTO auth.speed_dial (account, code, number) VALUES ($1, $2, $3)
         ON CONFLICT (account, code) DO UPDATE SET number = excluded.number`,
        [account.number, field.speedDialCode('code', request.code), field.e164('number', request.number)],
      );
      return { account: await find(account.number) };
    },

    async deleteSpeedDial({ accountNumber, code }: auth.DeleteSpeedDialRequest): Promise<auth.DeleteSpeedDialResponse> {
      const { rowCount } = await pool.query('DELETE FROM auth.speed_dial WHERE account = $1 AND code = $2', [
        accountNumber,
        code,
      ]);
      if (!rowCount) throw GrpcError.notFound('code', 'the account has no such speed-dial code');
      return {};
    },
  };
}
