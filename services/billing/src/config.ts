import { isCurrency, MoneyError, parseMoney } from '@ringback/money';
import { ConfigError, knob, type Knobs, type Values } from '@ringback/service-kit';
import type { LossPolicy } from './domain/model.ts';
import { VoucherCodes } from './voucher-codes.ts';

export const CONFIG = {
  DATABASE_URL: knob.string({ doc: 'PostgreSQL; the service owns the schema `billing`', secret: true }),
  GRPC_LISTEN: knob.address({ doc: 'host:port of the gRPC services' }),
  NATS_URL: knob.string({ doc: 'where finished spans are told; empty: nowhere', default: '' }),
  INBOUND_DECK: knob.string({
    doc: 'deck whose rows for access numbers rate inbound legs; empty: they cost nothing',
    default: '',
  }),
  LOSS_BUDGET_DECK: knob.string({
    doc: 'deck that rates calls to unknown callers; empty: there are no such calls',
    default: '',
  }),
  LOSS_BUDGET_PER_CALLER: knob.string({
    doc: 'what calls to one unknown caller ID may cost a day (UTC)',
    default: '0.50 EUR',
  }),
  LOSS_BUDGET_PER_DAY: knob.string({
    doc: 'what calls to all unknown callers may cost a day (UTC)',
    default: '20.00 EUR',
  }),
  HOLD_EXPIRY_SLACK: knob.duration({
    doc: 'a hold whose leg was not settled is posted in full this long after its paid-for time',
    default: 600_000,
    min: 1_000,
  }),
  MAINTENANCE_INTERVAL: knob.duration({
    doc: 'between looks for expired holds and measures',
    default: 10_000,
    min: 100,
  }),
  CDR_RETENTION: knob.duration({
    doc: 'CDRs are dropped, by whole months (UTC), when they are older; their daily totals and all money stay',
    default: 730 * 86_400_000,
    min: 93 * 86_400_000,
  }),
  LEDGER_CHECK_INTERVAL: knob.duration({
    doc: 'between checks of the whole ledger: every balance against its entries',
    default: 3_600_000,
    min: 1_000,
  }),
  VOUCHER_KEY: knob.string({
    doc: '32 to 128 hexadecimal digits, by which codes of vouchers are made and recognised; empty: there are no vouchers',
    default: '',
    secret: true,
  }),
  MAX_BATCH: knob.integer({ doc: 'questions answered in one transaction', default: 500, min: 1, max: 5_000 }),
  DATABASE_CONNECTIONS: knob.integer({ doc: 'most connections to PostgreSQL', default: 8, min: 2, max: 100 }),
} satisfies Knobs;

export type Config = Values<typeof CONFIG>;

/** @throws {ConfigError} naming the knob. */
export function voucherCodes({ VOUCHER_KEY: key }: Config): VoucherCodes | undefined {
  if (key === '') return undefined;
  if (!/^([0-9a-f]{2}){16,64}$/i.test(key)) throw new ConfigError('VOUCHER_KEY', 'is not 32 to 128 hexadecimal digits');
  return new VoucherCodes(key);
}

/** @throws {ConfigError} naming the knob. */
export function lossPolicy(config: Config): LossPolicy | undefined {
  if (config.LOSS_BUDGET_DECK === '') return undefined;
  const amount = (name: 'LOSS_BUDGET_PER_CALLER' | 'LOSS_BUDGET_PER_DAY') => {
    try {
      const parsed = parseMoney(config[name]);
      if (parsed.micros < 0n || !isCurrency(parsed.currency)) throw new MoneyError('is negative');
      return parsed;
    } catch (error) {
      if (!(error instanceof MoneyError)) throw error;
      throw new ConfigError(name, error.message);
    }
  };
  const perCaller = amount('LOSS_BUDGET_PER_CALLER');
  const perDay = amount('LOSS_BUDGET_PER_DAY');
  if (perCaller.currency !== perDay.currency) {
    throw new ConfigError(
      'LOSS_BUDGET_PER_DAY',
      `is in ${perDay.currency}, LOSS_BUDGET_PER_CALLER in ${perCaller.currency}`,
    );
  }
  return {
    deck: config.LOSS_BUDGET_DECK,
    currency: perDay.currency,
    perCaller: perCaller.micros,
    perDay: perDay.micros,
  };
}
