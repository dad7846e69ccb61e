import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { EVENT_STREAM, eventSubject, sw } from '@ringback/contracts';
import { Box } from '@ringback/sealing';
import { connectNats, type NatsConnection } from '@ringback/service-kit';

/** Somebody who has the bus and the key of the events, and publishes what no switch's agent would. */
export class RogueAgent {
  readonly connection: NatsConnection;
  readonly #box: Box;

  private constructor(connection: NatsConnection, box: Box) {
    this.connection = connection;
    this.#box = box;
  }

  static async connect(natsUrl: string, runDir: string): Promise<RogueAgent> {
    const { eventKey } = JSON.parse(await readFile(join(runDir, 'secrets.json'), 'utf8')) as { eventKey: string };
    return new RogueAgent(await connectNats({ url: natsUrl, name: 'rogue' }), new Box(eventKey, EVENT_STREAM));
  }

  /** Bytes as they are, not sealed. */
  async publishBytes(shard: number, source: string, data: Uint8Array): Promise<void> {
    await jetstream(this.connection).publish(eventSubject(shard, source), data);
  }

  /** Sealed as agents seal. */
  publishSealed(shard: number, source: string, data: Uint8Array): Promise<void> {
    return this.publishBytes(shard, source, this.#box.seal(data, eventSubject(shard, source)));
  }

  publish(
    batch: Parameters<typeof sw.EventBatch.fromPartial>[0],
    shard = batch.shard ?? 0,
    subject = '',
  ): Promise<void> {
    const whole = sw.EventBatch.fromPartial(batch);
    return this.publishSealed(shard, subject || whole.source, sw.EventBatch.encode(whole).finish());
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
