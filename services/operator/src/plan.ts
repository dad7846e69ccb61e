/**
 * `ringback operator plan`: prints what the operator would do now, and why. Changes nothing. Runs with the operator's own
 * environment (in its Pod), so that both see the same.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { AccessNumber, SipEdge, SwitchPool, Trunk } from '@ringback/crds';
import { ConfigError, createLogger, readConfig } from '@ringback/service-kit';
import { CONFIG } from './config.ts';
import { routingOf } from './controllers/routing.ts';
import { SwitchPoolController } from './controllers/switch-pool.ts';
import { edgeProblem } from './domain/edge.ts';
import type { Node, Pod } from './domain/observe-switch.ts';
import { POOL_LABEL } from './domain/pool-status.ts';
import { ACCESS_NUMBERS, type Mapping, reconcileRoute, type RouteResource, TRUNKS } from './domain/routing.ts';
import { Kube } from './kube/client.ts';
import { EventRecorder } from './kube/events.ts';
import { KINDS, type Kind, type KubeObject } from './kube/objects.ts';
import { defaultKubeConfig, platformOf } from './operator.ts';
import { SwitchReports } from './reports.ts';

/** Switches tell of themselves once a second. */
const LISTEN_MS = 2_500;
const log = createLogger('operator-plan');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const config = readConfig(CONFIG, process.env);
  const kube = new Kube(defaultKubeConfig());
  const namespace = config.WATCH_NAMESPACE === '' ? undefined : config.WATCH_NAMESPACE;
  const all = async <T>(kind: Kind, labelSelector?: string): Promise<T[]> => {
    const { items } = await kube.list<KubeObject>(kind, kind.namespaced ? namespace : undefined, { labelSelector });
    return items as unknown as T[];
  };
  const reports = new SwitchReports(() => undefined);
  reports.start({ url: config.NATS_URL, log, fail: (error) => log.warn({ err: error }, 'switches cannot be heard') });
  const [pools, edges, trunks, numbers, pods, nodes] = await Promise.all([
    all<SwitchPool>(KINDS.SwitchPool),
    all<SipEdge>(KINDS.SipEdge),
    all<Trunk>(KINDS.Trunk),
    all<AccessNumber>(KINDS.AccessNumber),
    all<Pod>(KINDS.Pod, POOL_LABEL),
    all<Node>(KINDS.Node),
    wait(LISTEN_MS),
  ]);
  const platform = platformOf(config);
  const tools = { kube, log, now: Date.now, events: new EventRecorder(kube, 'plan', log) };
  const controller = new SwitchPoolController(tools, {
    pools: { get: () => undefined, list: () => pools },
    pods: { list: () => pods, learned: () => undefined },
    nodes: { list: () => nodes },
    edges: { list: () => edges },
    reports,
    platform,
  });
  for (const pool of pools) {
    const { actions, wanted } = controller.plan(pool);
    say(
      `SwitchPool ${pool.metadata.namespace}/${pool.metadata.name}: ${wanted.switches} switches wanted (${wanted.why})`,
    );
    for (const action of actions) say(`  ${action.kind}${'name' in action ? ` ${action.name}` : ''}: ${action.why}`);
    if (actions.length === 0) say('  nothing to do');
  }
  for (const edge of edges) {
    const problem = edgeProblem(edge, platform);
    say(
      `SipEdge ${edge.metadata.namespace}/${edge.metadata.name}: ${problem === undefined ? 'valid' : `refused: ${problem}`}`,
    );
  }
  const routing = routingOf(config.DIALER_ADDRESS);
  try {
    await routes('Trunk', TRUNKS, trunks, await routing.trunks.list(), (entry) => entry.id);
    await routes('AccessNumber', ACCESS_NUMBERS, numbers, await routing.accessNumbers.list(), (entry) => entry.number);
  } finally {
    routing.close();
    await reports.stop();
    kube.close();
  }
}

function routes<R extends RouteResource, Entry>(
  kind: string,
  mapping: Mapping<R, Entry>,
  resources: readonly R[],
  entries: readonly Entry[],
  idOf: (entry: Entry) => string,
): void {
  for (const resource of resources) {
    const id = mapping.id(resource);
    const { actions, said } = reconcileRoute(
      mapping,
      resource,
      resources,
      entries.find((entry) => idOf(entry) === id),
    );
    say(`${kind} ${resource.metadata.namespace}/${resource.metadata.name}: ${said.reason}`);
    for (const action of actions) say(`  ${action.kind}: ${action.why}`);
    if (actions.length === 0) say('  nothing to do');
  }
}

await main().catch((error: unknown) => {
  const words = error instanceof ConfigError ? `${error.knob}: ${error.message}` : String(error);
  process.stderr.write(`${words}\n`);
  process.exit(1);
});
process.exit(0);
