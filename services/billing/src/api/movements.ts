import { billing } from '@ringback/contracts';
import { formatDecimal } from '@ringback/money';
import { nowUs, type Pool } from '@ringback/service-kit';
import type { Teller } from '../postgres/teller.ts';
import {
  checkAdjust,
  checkExchangeRate,
  checkRefund,
  checkReverse,
  checkSetCreditLimit,
  checkTopUp,
  checkTransferCredit,
} from './validate.ts';

const RATE_DECIMALS = 9;
const MOST_RATES = 1_000;

/** Movements of money besides calls: each is checked here, and decided in the teller's batches. */
export const movementHandlers = (pool: Pool, teller: Teller) => ({
  topUp: async (request: billing.TopUpRequest): Promise<billing.TopUpResponse> => {
    checkTopUp(request);
    return teller.ask({ kind: 'topUp', request });
  },
  adjustBalance: async (request: billing.AdjustBalanceRequest): Promise<billing.AdjustBalanceResponse> => {
    checkAdjust(request);
    return teller.ask({ kind: 'adjust', request });
  },
  refundLeg: async (request: billing.RefundLegRequest): Promise<billing.RefundLegResponse> => {
    checkRefund(request);
    return teller.ask({ kind: 'refund', request });
  },
  reverseTransfer: async (request: billing.ReverseTransferRequest): Promise<billing.ReverseTransferResponse> => {
    checkReverse(request);
    return teller.ask({ kind: 'reverse', request });
  },
  transferCredit: async (request: billing.TransferCreditRequest): Promise<billing.TransferCreditResponse> => {
    checkTransferCredit(request);
    return teller.ask({ kind: 'transferCredit', request });
  },
  setCreditLimit: async (request: billing.SetCreditLimitRequest): Promise<billing.SetCreditLimitResponse> => {
    checkSetCreditLimit(request);
    return teller.ask({ kind: 'setCreditLimit', request });
  },
  setExchangeRate: async ({ rate }: billing.SetExchangeRateRequest): Promise<billing.SetExchangeRateResponse> => {
    const nanos = checkExchangeRate(rate);
    const now = nowUs();
    await pool.query(
      `INSERT INTO billing.exchange_rate (from_currency, to_currency, rate_nanos, valid_from_us, set_at_us)
       VALUES ($1, $2, $3, $4, $5)`,
      [rate!.fromCurrency, rate!.toCurrency, nanos, rate!.validFromUs || now, now],
    );
    return {};
  },
  listExchangeRates: async (): Promise<billing.ListExchangeRatesResponse> => {
    const { rows } = await pool.query(
      `SELECT * FROM billing.exchange_rate ORDER BY valid_from_us DESC, id DESC LIMIT ${MOST_RATES}`,
    );
    const toRate = (row: (typeof rows)[number]): billing.ExchangeRate => ({
      fromCurrency: row.from_currency,
      toCurrency: row.to_currency,
      rate: formatDecimal(row.rate_nanos, RATE_DECIMALS),
      validFromUs: row.valid_from_us,
    });
    return { rates: rows.map(toRate) };
  },
});
