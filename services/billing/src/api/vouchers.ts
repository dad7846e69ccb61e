import { billing } from '@ringback/contracts';
import { type Pool, uuidv7 } from '@ringback/service-kit';
import { Refused } from '../domain/model.ts';
import { batchFromRow, type VoucherBatchRow } from '../postgres/load-movements.ts';
import type { Teller } from '../postgres/teller.ts';
import { readCode, type VoucherCodes } from '../voucher-codes.ts';
import { checkCreateVouchers, checkRedeem, checkVoidVouchers } from './validate.ts';

const MOST_BATCHES = 1_000;

/** Vouchers; `codes` undefined: there are none here. */
export function voucherHandlers(pool: Pool, teller: Teller, codes: VoucherCodes | undefined) {
  const needed = (): VoucherCodes => {
    if (codes) return codes;
    throw new Refused('FAILED_PRECONDITION', '', 'there are no vouchers: VOUCHER_KEY is not set');
  };
  return {
    createVouchers: async (request: billing.CreateVouchersRequest): Promise<billing.CreateVouchersResponse> => {
      checkCreateVouchers(request);
      const made = needed();
      const { batchId, hashes } = newBatch(made, request.count);
      const response = await teller.ask({ kind: 'createVouchers', request, batchId, hashes });
      return { ...response, codes: made.codes(response.batchId, request.count) };
    },
    voidVouchers: async (request: billing.VoidVouchersRequest): Promise<billing.VoidVouchersResponse> => {
      checkVoidVouchers(request);
      return teller.ask({ kind: 'voidVouchers', request });
    },
    redeemVoucher: async (request: billing.RedeemVoucherRequest): Promise<billing.RedeemVoucherResponse> => {
      checkRedeem(request);
      const made = needed();
      const code = readCode(request.code);
      // A slip of the finger is no attempt: who guesses does not make it, as everybody can compute a check digit.
      if (code === undefined) return billing.RedeemVoucherResponse.fromPartial({ outcome: 'OUTCOME_INVALID' });
      const subjects = [`account:${request.accountNumber}`];
      if (request.source !== '') subjects.push(made.subject(request.source));
      return teller.ask({ kind: 'redeem', request, hash: made.hash(code), subjects });
    },
    listVoucherBatches: async (): Promise<billing.ListVoucherBatchesResponse> => {
      const { rows } = await pool.query<VoucherBatchRow>(
        `SELECT b.*, (SELECT count(*) FROM billing.voucher v WHERE v.batch_id = b.id AND v.redeemed_by IS NOT NULL) AS redeemed
         FROM billing.voucher_batch b ORDER BY created_at_us DESC, id DESC LIMIT ${MOST_BATCHES}`,
      );
      return {
        batches: rows.map(batchFromRow).map((batch) => ({
          batchId: batch.id,
          value: { micros: batch.value, currency: batch.currency },
          count: batch.count,
          redeemed: batch.redeemed,
          createdAtUs: batch.createdAtUs,
          expiresAtUs: batch.expiresAtUs,
          voidedAtUs: batch.voidedAtUs ?? 0n,
          note: batch.note,
        })),
      };
    },
  };
}

/** A batch whose codes differ from each other. */
function newBatch(codes: VoucherCodes, count: number): { batchId: string; hashes: string[] } {
  for (;;) {
    const batchId = uuidv7();
    const hashes = codes.codes(batchId, count).map(codes.hash);
    if (new Set(hashes).size === count) return { batchId, hashes };
  }
}
