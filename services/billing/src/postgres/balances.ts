import type { Pool } from '@ringback/service-kit';

export interface AccountRow {
  number: string;
  currency: string;
  deck: string;
  balance: bigint;
  held: bigint;
  credit_limit: bigint;
}

/** Reads balances; questions of the same turn of the event loop travel as one. */
export class Balances {
  readonly #pool: Pool;
  #reading: { numbers: Set<string>; rows: Promise<Map<string, AccountRow>> } | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async find(number: string): Promise<AccountRow | undefined> {
    this.#reading ??= this.#next();
    this.#reading.numbers.add(number);
    return (await this.#reading.rows).get(number);
  }

  #next(): { numbers: Set<string>; rows: Promise<Map<string, AccountRow>> } {
    const numbers = new Set<string>();
    const rows = new Promise<void>((resolve) => {
      setImmediate(resolve);
    }).then(async () => {
      this.#reading = undefined;
      const found = await this.#pool.query<AccountRow>({
        name: 'balances',
        text: 'SELECT number, currency, deck, balance, held, credit_limit FROM billing.account WHERE number = ANY($1::text[])',
        values: [[...numbers]],
      });
      return new Map(found.rows.map((row) => [row.number, row]));
    });
    return { numbers, rows };
  }
}
