import { type Attributes, metrics } from '@opentelemetry/api';
import type { AttributeName, AttributeValue } from './conventions.ts';
import { METRICS, type MetricName } from './metric-catalogue.ts';

type OfKind<K> = { [M in MetricName]: (typeof METRICS)[M]['kind'] extends K ? M : never }[MetricName];

/** Labels of a metric: exactly those the catalogue names. */
export type Labels<M extends MetricName> = (typeof METRICS)[M]['attributes'] extends readonly (infer A)[]
  ? { [N in A & AttributeName]: AttributeValue<N> }
  : never;

/** Labels are left out where a metric has none. */
type Given<M extends MetricName> = (typeof METRICS)[M]['attributes'] extends readonly [] ? [] : [labels: Labels<M>];

type Observe<M extends MetricName> = (value: number, ...labels: Given<M>) => void;

/*
 * Unlike tracers, meters of the OpenTelemetry API do not wait for their provider: an instrument made before
 * `startTelemetry` counts nothing. So instruments are made when the service starts, never when a module is loaded.
 */
const meter = () => metrics.getMeter('ringback');
const describe = (name: MetricName) => ({ unit: METRICS[name].unit, description: METRICS[name].means });

/** A counter of the catalogue. */
export function counter<M extends OfKind<'counter'>>(name: M): { add: Observe<M> } {
  const instrument = meter().createCounter(name, describe(name));
  // A series that is there from the beginning: the first thing counted is an increase.
  if (METRICS[name].attributes.length === 0) instrument.add(0);
  return { add: (value, ...[labels]) => instrument.add(value, labels as Attributes | undefined) };
}

/** A histogram of the catalogue, with its buckets. */
export function histogram<M extends OfKind<'histogram'>>(name: M): { record: Observe<M> } {
  const advice = { explicitBucketBoundaries: [...METRICS[name].buckets] };
  const instrument = meter().createHistogram(name, { ...describe(name), advice });
  return { record: (value, ...[labels]) => instrument.record(value, labels as Attributes | undefined) };
}

/** A gauge, or a counter that somebody else counts, looked at when metrics are read. */
export function observe<M extends OfKind<'gauge' | 'observed_counter'>>(
  name: M,
  look: (observe: Observe<M>) => void,
): void {
  const instrument =
    METRICS[name].kind === 'gauge'
      ? meter().createObservableGauge(name, describe(name))
      : meter().createObservableCounter(name, describe(name));
  instrument.addCallback((result) =>
    look((value, ...[labels]) => result.observe(value, labels as Attributes | undefined)),
  );
}
