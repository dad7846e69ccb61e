import { createHash } from 'node:crypto';
import type { Logger } from '@ringback/service-kit';
import { type Kube, KubeError } from './client.ts';
import { KINDS, type Kind, type KubeObject } from './objects.ts';

/** What `kubectl describe` shows: the same event again is counted, not told anew. */
export class EventRecorder {
  readonly #kube: Kube;
  readonly #reporter: string;
  readonly #log: Logger;
  readonly #counts = new Map<string, number>();

  constructor(kube: Kube, reporter: string, log: Logger) {
    this.#kube = kube;
    this.#reporter = reporter;
    this.#log = log;
  }

  /** Never throws: an event that cannot be written is logged, and what it tells of goes on. */
  async tell(of: Kind, about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): Promise<void> {
    const { name, namespace = 'default', uid } = about.metadata;
    const hash = createHash('sha256').update(`${uid}\n${type}\n${reason}\n${message}`).digest('hex').slice(0, 16);
    const event = `${name.slice(0, 200)}.${hash}`;
    const count = (this.#counts.get(event) ?? 0) + 1;
    // A bounded memory; a forgotten one is found to exist, and counted on.
    if (this.#counts.size > 2_000) this.#counts.clear();
    this.#counts.set(event, count);
    const time = new Date().toISOString().replace(/\.\d{3}Z$/, 'Z');
    const metadata = { name: event, namespace };
    try {
      if (count > 1) {
        await this.#kube.patch(KINDS.Event, metadata, { count, lastTimestamp: time });
        return;
      }
      const body = {
        metadata,
        type,
        reason,
        message: message.slice(0, 1024),
        count,
        firstTimestamp: time,
        lastTimestamp: time,
        involvedObject: {
          apiVersion: of.apiVersion,
          kind: of.kind,
          name,
          namespace,
          uid,
          resourceVersion: about.metadata.resourceVersion,
        },
        source: { component: 'ringback-operator' },
        reportingComponent: 'ringback.dev/operator',
        reportingInstance: this.#reporter,
      };
      await this.#kube.create(KINDS.Event, body);
    } catch (error) {
      // Expired meanwhile, or told by a leader before us: the next one finds it right.
      if (error instanceof KubeError && error.status === 404) this.#counts.delete(event);
      else if (!(error instanceof KubeError && error.status === 409))
        this.#log.warn({ err: error, reason }, 'an event was not told');
    }
  }
}
