import type { PoolClient } from '@ringback/service-kit';
import type { Changes } from '../domain/model.ts';

/** 64-bit numbers travel as text: JSON numbers would pass through floating point on this side. */
const toJson = (rows: readonly unknown[]): string =>
  JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

const WRITES = {
  limits: `INSERT INTO billing.account_change (account, request_id, limit_before, limit_after, at_us, note)
    SELECT * FROM json_to_recordset($1) AS n(account text, request_id text, limit_before int8, limit_after int8, at_us int8, note text)`,
  batches: `INSERT INTO billing.voucher_batch SELECT * FROM json_populate_recordset(NULL::billing.voucher_batch, $1)
    ON CONFLICT (id) DO UPDATE SET voided_at_us = excluded.voided_at_us`,
  newVouchers: `INSERT INTO billing.voucher (code_hash, batch_id, serial)
    SELECT decode(hash, 'hex'), batch_id, serial FROM json_to_recordset($1) AS n(hash text, batch_id uuid, serial int4)`,
  redeemed: `UPDATE billing.voucher v SET redeemed_by = n.by, redeemed_at_us = n.at_us, transfer_id = n.transfer_id
    FROM json_to_recordset($1) AS n(hash text, by text, at_us int8, transfer_id uuid) WHERE v.code_hash = decode(n.hash, 'hex')`,
  attempts: `UPDATE billing.voucher_attempt a SET failures = n.failures, since_us = n.since_us, locked_until_us = n.locked_until_us
    FROM json_to_recordset($1) AS n(subject text, failures int4, since_us int8, locked_until_us int8) WHERE a.subject = n.subject`,
} as const;

/** What only people's movements write; calls have none of it, and pay nothing for it. */
export async function writeMovements(
  client: PoolClient,
  all: readonly Partial<Changes>[],
  nowUs: bigint,
): Promise<void> {
  const write = async (sql: string, rows: readonly unknown[]): Promise<void> => {
    if (rows.length > 0) await client.query(sql, [toJson(rows)]);
  };
  const limits = all.flatMap((each) => each.limits ?? []);
  await write(
    WRITES.limits,
    limits.map(({ account, requestId, before, after, note }) => ({
      account,
      request_id: requestId,
      limit_before: before,
      limit_after: after,
      at_us: nowUs,
      note,
    })),
  );
  // What is new or voided; how many are redeemed is counted, not kept. The last state of a batch counts.
  const batches = new Map(all.flatMap((each) => (each.batches ?? []).map((one) => [one.id, one])));
  await write(
    WRITES.batches,
    [...batches.values()].map((batch) => ({
      id: batch.id,
      currency: batch.currency,
      value: batch.value,
      count: batch.count,
      created_at_us: batch.createdAtUs,
      expires_at_us: batch.expiresAtUs,
      voided_at_us: batch.voidedAtUs,
      note: batch.note,
    })),
  );
  await write(
    WRITES.newVouchers,
    all
      .flatMap((each) => each.newVouchers ?? [])
      .map(({ hash, batchId, serial }) => ({ hash, batch_id: batchId, serial })),
  );
  await write(
    WRITES.redeemed,
    all
      .flatMap((each) => each.redeemed ?? [])
      .map(({ hash, redeemed }) => ({
        hash,
        by: redeemed?.by,
        at_us: redeemed?.atUs,
        transfer_id: redeemed?.transferId,
      })),
  );
  const attempts = new Map(all.flatMap((each) => (each.attempts ?? []).map((one) => [one.subject, one])));
  await write(
    WRITES.attempts,
    [...attempts.values()].map(({ subject, failures, sinceUs, lockedUntilUs }) => ({
      subject,
      failures,
      since_us: sinceUs,
      locked_until_us: lockedUntilUs,
    })),
  );
}
