import { sw, switchCommandSubject, switchStatusSubject } from '@ringback/contracts';
import { Informer, type Kube, KINDS, type KubeObject } from '@ringback/operator';
import { connectNats, createLogger, type NatsConnection } from '@ringback/service-kit';

interface Agent {
  calls: number;
  begun: number;
  draining: boolean;
  readonly stop: () => void;
}

interface Pod extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/**
 * What a node and the agents on it would do about Pods of switches, for tests that have an API server and no node: makes
 * them Running and Ready, tells their calls over NATS, obeys drains, and lets deleted ones go.
 */
export class FakeKubelet {
  readonly #kube: Kube;
  readonly #nats: NatsConnection;
  readonly #pods: Informer<Pod>;
  readonly #agents = new Map<string, Agent>();
  readonly #timer: NodeJS.Timeout;
  readonly #busy = new Set<Promise<void>>();
  /** Pods are not started while this is set. */
  hold = false;

  static async start(kube: Kube, natsUrl: string, namespace: string): Promise<FakeKubelet> {
    return new FakeKubelet(kube, await connectNats({ url: natsUrl, name: 'kubelet' }), namespace);
  }

  private constructor(kube: Kube, nats: NatsConnection, namespace: string) {
    this.#kube = kube;
    this.#nats = nats;
    const log = createLogger('kubelet');
    const look = (): void => {
      const work = this.#look().catch((error: unknown) => log.warn({ err: error }, 'not done'));
      this.#busy.add(work);
      work.finally(() => this.#busy.delete(work));
    };
    this.#pods = new Informer<Pod>({
      kube,
      kind: KINDS.Pod,
      namespace,
      labelSelector: 'ringback.dev/pool',
      log,
      changed: look,
    });
    this.#pods.start();
    this.#timer = setInterval(() => {
      look();
      for (const name of this.#agents.keys()) this.#tell(name);
    }, 200);
  }

  calls(name: string, calls: number): void {
    const agent = this.#agents.get(name)!;
    agent.begun += Math.max(0, calls - agent.calls);
    agent.calls = calls;
    this.#tell(name);
  }

  draining(): string[] {
    return [...this.#agents].filter(([, agent]) => agent.draining).map(([name]) => name);
  }

  #tell(name: string): void {
    const agent = this.#agents.get(name);
    if (!agent || this.#nats.isClosed()) return;
    const { ACTIVE, DRAINING } = sw.SwitchStatus_State;
    const status = sw.SwitchStatus.fromPartial({
      switchId: name,
      state: agent.draining ? DRAINING : ACTIVE,
      sessions: agent.calls,
      maxSessions: 10,
      legsBegun: BigInt(agent.begun),
      run: name,
    });
    this.#nats.publish(switchStatusSubject(name), sw.SwitchStatus.encode(status).finish());
  }

  #startAgent(name: string): void {
    if (this.#agents.has(name)) return;
    const subscription = this.#nats.subscribe(switchCommandSubject(name), {
      callback: (_error, message) => {
        const { body, commandId } = sw.Command.decode(message.data);
        const agent = this.#agents.get(name);
        if (agent && body?.$case === 'drain') agent.draining = body.value.draining;
        this.#tell(name);
        const status = sw.CommandAck_Status.ACCEPTED;
        message.respond(sw.CommandAck.encode({ commandId, status, message: '' }).finish());
      },
    });
    this.#agents.set(name, { calls: 0, begun: 0, draining: false, stop: () => subscription.unsubscribe() });
  }

  async #look(): Promise<void> {
    const pods = this.#pods.list();
    for (const [name, agent] of this.#agents) {
      if (pods.some((p) => p.metadata.name === name)) continue;
      agent.stop();
      this.#agents.delete(name);
    }
    for (const pod of pods) {
      const { name, namespace, deletionTimestamp } = pod.metadata;
      if (deletionTimestamp !== undefined) {
        // Its preStop waits for the calls.
        if ((this.#agents.get(name)?.calls ?? 0) === 0) await this.#kube.delete(KINDS.Pod, pod, 0);
        continue;
      }
      if (this.hold) continue;
      this.#startAgent(name);
      const ready = this.#agents.get(name)?.draining ? 'False' : 'True';
      await this.#setStatus(name, namespace ?? '', ready, pod);
    }
  }

  async #setStatus(name: string, namespace: string, ready: string, pod: Pod): Promise<void> {
    const known = (pod.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions;
    if (known?.find((c) => c.type === 'Ready')?.status === ready) return;
    const now = new Date();
    const time = (ms: number): string => new Date(now.getTime() + ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
    const status = {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: time(0) }],
      initContainerStatuses: [
        {
          name: 'configure',
          image: 'i',
          imageID: 'i',
          ready: true,
          restartCount: 0,
          state: { terminated: { exitCode: 0, finishedAt: time(-2_000), startedAt: time(-3_000) } },
        },
      ],
    };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    await this.#kube.send('PATCH', path, { body: { status }, contentType: 'application/merge-patch+json' });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pods.stop();
    await Promise.all(this.#busy);
    for (const agent of this.#agents.values()) agent.stop();
    await this.#nats.close();
  }
}
