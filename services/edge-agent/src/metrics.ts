import { observe } from '@ringback/service-kit';
import type { EdgeAgent } from './agent.ts';
import type { Registrar } from './registrar.ts';

const FLAGS = { A: 'active', I: 'inactive', T: 'trying', D: 'disabled' } as const;

/** Kamailio's own counters, and how far its tables are. Names of counters are a closed list, so labels are bounded. */
export function publishMetrics(agent: EdgeAgent, registrar: Pick<Registrar, 'records'>): void {
  observe('ringback.edge.ready', (tell) => tell(agent.notReady() === undefined ? 1 : 0));
  observe('ringback.edge.switches', (tell) => {
    for (const [flag, state] of Object.entries(FLAGS)) {
      tell(agent.observed.switches.get(flag) ?? 0, { 'sip.dispatcher_state': state });
    }
  });
  observe('ringback.edge.registrations', (tell) => {
    const bound = registrar.records.filter(({ registered }) => registered).length;
    tell(bound, { 'sip.registration_state': 'registered' });
    tell(registrar.records.length - bound, { 'sip.registration_state': 'not_registered' });
  });
  observe('ringback.edge.transactions', (tell) => tell(agent.observed.transactions));
  observe('ringback.edge.requests', (tell) => {
    for (const [outcome, count] of agent.observed.counters) tell(count, { 'sip.edge_outcome': outcome });
  });
}
