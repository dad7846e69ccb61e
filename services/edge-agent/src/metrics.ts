import { meter } from '@ringback/service-kit';
import type { EdgeAgent } from './agent.ts';

const FLAGS = { A: 'active', I: 'inactive', T: 'trying', D: 'disabled' } as const;

/** Kamailio's own counters, and how far its tables are. Names of counters are a closed list, so labels are bounded. */
export function publishMetrics(agent: EdgeAgent): void {
  meter
    .createObservableGauge('ringback.edge.ready', { description: '1 when Kamailio knows all it should' })
    .addCallback((result) => result.observe(agent.notReady() === undefined ? 1 : 0));
  meter
    .createObservableGauge('ringback.edge.switches', { description: 'switches the edge knows, by state' })
    .addCallback((result) => {
      for (const [flag, state] of Object.entries(FLAGS)) {
        result.observe(agent.observed.switches.get(flag) ?? 0, { state });
      }
    });
  meter
    .createObservableGauge('ringback.edge.transactions', { description: 'SIP transactions Kamailio holds' })
    .addCallback((result) => result.observe(agent.observed.transactions));
  meter
    .createObservableCounter('ringback.edge.requests', { description: 'what became of requests, by outcome' })
    .addCallback((result) => {
      for (const [outcome, count] of agent.observed.counters) result.observe(count, { outcome });
    });
}
