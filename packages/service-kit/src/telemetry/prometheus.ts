import type { ServerResponse } from 'node:http';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

/** Of the resource, on every line: who tells it, and where. */
const CONSTANT_LABELS = /^(service\.name|cloud\.region)$/;

/**
 * Metrics in Prometheus' text format, named as OpenTelemetry's compatibility page wants: the unit is the suffix of the name,
 * annotations in braces are none. (The exporter leaves units to the names.)
 */
export class PrometheusPage {
  readonly reader = new PrometheusExporter({ preventServerStart: true });
  readonly #serializer = new PrometheusSerializer('', false, CONSTANT_LABELS, false, true);

  /** Answers `GET /metrics`. */
  async serve(response: ServerResponse): Promise<void> {
    const { resourceMetrics, errors } = await this.reader.collect();
    // What could not be looked at is missing; the rest is told.
    if (errors.length > 0 && resourceMetrics.scopeMetrics.length === 0) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end('metrics cannot be collected\n');
      return;
    }
    const text = this.#serializer.serialize(withUnits(resourceMetrics));
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  }
}

function withUnits(metrics: ResourceMetrics): ResourceMetrics {
  return {
    ...metrics,
    scopeMetrics: metrics.scopeMetrics.map((scope) => ({
      ...scope,
      metrics: scope.metrics.map((metric) => {
        const { name, unit } = metric.descriptor;
        const descriptor = { ...metric.descriptor, name: unit === 's' ? `${name}_seconds` : name, unit: '' };
        return { ...metric, descriptor };
      }),
    })),
  };
}
