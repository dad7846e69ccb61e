import { formatDecimal, formatMicros } from '@ringback/money';
import type { CostCurve, Run } from './cost-curve.ts';
import { PERCENT_DECIMALS, PRICE_DECIMALS, UNITS_PER_CURRENCY, UNITS_PER_PRICE } from './model.ts';

/** How the cost of an answered call of `durationUs` comes about, one sentence a step; the last line is the cost. */
export function explain(curve: CostCurve, durationUs: bigint): string[] {
  const { settings } = curve.deck;
  const { terms, row } = curve;
  const duration = Number(durationUs);
  const billedMs = curve.billedMs(duration);
  const place = row.destination === '' ? '' : ` (${row.destination})`;
  const lines = [
    `prefix ${curve.prefix === '' ? '*' : curve.prefix}${place}, row ${row.line}, in force at ${localTime(curve, 0)} ${settings.timeZone}`,
    `duration ${seconds(duration / 1000)}, billed ${seconds(billedMs)} (${settings.duration})`,
  ];
  const total = curve.cost(duration);
  if (curve.isGrace(billedMs)) {
    lines.push(`within the grace period of ${seconds(terms.graceMs)}: nothing is charged`);
  } else {
    let units = curve.connectFeeUnits;
    if (units > 0n) lines.push(`connect fee ${exact(units)}`);
    if (terms.freeMs > 0) lines.push(`free until second ${seconds(terms.freeMs)}`);
    for (const { run, count } of curve.runsUntil(billedMs)) {
      lines.push(runLine(curve, run, count));
      units += run.units * BigInt(count);
    }
    lines.push(`sum ${exact(units)}`);
    if (terms.minCost !== undefined && units < terms.minCost * UNITS_PER_PRICE) {
      units = terms.minCost * UNITS_PER_PRICE;
      lines.push(`at least the minimum ${exact(units)}`);
    }
    if (terms.maxCost !== undefined && units > terms.maxCost * UNITS_PER_PRICE) {
      units = terms.maxCost * UNITS_PER_PRICE;
      lines.push(`at most the maximum ${exact(units)}`);
    }
    if (terms.surcharge > 0n) lines.push(`surcharge ${formatDecimal(terms.surcharge, PERCENT_DECIMALS)} %`);
    if (terms.tax > 0n) lines.push(`tax ${formatDecimal(terms.tax, PERCENT_DECIMALS)} %`);
    lines.push(`rounded ${settings.rounding} to ${settings.decimals} decimals`);
  }
  lines.push(`cost ${formatMicros(total, settings.currency)} ${settings.currency}`);
  return lines;
}

function runLine(curve: CostCurve, run: Run, count: number): string {
  const endMs = run.atMs + count * run.incrementMs;
  const price = formatDecimal(BigInt(run.price), PRICE_DECIMALS, 2);
  const window = run.row.week ? `, ${run.row.week.text}` : '';
  return (
    `${seconds(run.atMs)} to ${seconds(endMs)} (from ${localTime(curve, run.atMs)}): ${count} × ${seconds(run.incrementMs)} ` +
    `at ${price} per minute (row ${run.row.line}${window}) = ${exact(run.units * BigInt(count))}`
  );
}

const seconds = (ms: number): string => `${formatDecimal(BigInt(Math.round(ms * 1000)), 6)} s`;

/** A sum of units as a decimal; "…" where it does not end within 12 decimals. */
function exact(units: bigint): string {
  const scaled = units * 10n ** 12n;
  const text = formatDecimal(scaled / UNITS_PER_CURRENCY, 12, 2);
  return scaled % UNITS_PER_CURRENCY === 0n ? text : `${text}…`;
}

/** "2026-07-07 19:59:30" in the deck's time zone. */
function localTime(curve: CostCurve, atMs: number): string {
  const second = Math.floor((curve.startUs + atMs * 1000) / 1_000_000);
  const local = (second + curve.deck.zone.at(second).offset) * 1000;
  return new Date(local).toISOString().slice(0, 19).replace('T', ' ');
}
