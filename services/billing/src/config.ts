import { isCurrency, MoneyError, parseMoney } from '@ringback/money';
import { ConfigError, knob, type Knobs, type Values } from '@ringback/service-kit';
import type { LossPolicy } from './domain/model.ts';

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
  MAX_BATCH: knob.integer({ doc: 'questions answered in one transaction', default: 500, min: 1, max: 5_000 }),
  DATABASE_CONNECTIONS: knob.integer({ doc: 'most connections to PostgreSQL', default: 8, min: 2, max: 100 }),
} satisfies Knobs;

export type Config = Values<typeof CONFIG>;

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
