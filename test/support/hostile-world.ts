import { join } from 'node:path';
import { billing } from '@ringback/contracts';
import { answer, type PhoneCall } from '@ringback/dev-telephone';
import { call } from '@ringback/service-kit';
import assert from 'node:assert/strict';
import { type Said, ringback } from './hostile-cli.ts';
import type { Secret } from './hostile-secrets.ts';
import { RawPeer } from './hostile-sip.ts';
import { World } from './world.ts';

export const CALLBACK = '+48223000000';
export const WAIT = 30_000;
/** Of no trunk. */
export const STRANGER = '127.0.66.6';
const FROM_A = 1900;
const FROM_B = 1100;

/** Seeded so that they cannot stand anywhere by chance: long PINs, and numbers that nothing else has. */
export const CALLER = '+48605918273';
export const DESTINATION = '+442079461834';
const PIN = '918273645546';
const WRONG_PIN = '645546918273';
const NOTE = 'paid in cash by the lady of the house';
export const SECRETS: Secret[] = [
  { name: 'the caller', digits: CALLER.slice(3) },
  { name: 'the destination', digits: DESTINATION.slice(3) },
  { name: 'the PIN', digits: PIN },
  { name: 'a wrong PIN', digits: WRONG_PIN },
  { name: 'the text of a note', digits: NOTE },
];

/** A platform with a conversation that is up while all manner of things are done to it. */
export class HostileWorld {
  readonly world: World;
  readonly a: PhoneCall;
  readonly b: PhoneCall;
  readonly endpoints: string;
  /** Headers of our own in anything a carrier ever received. */
  readonly leaked: string[];

  /** Processes as they were before anything was done to them. */
  readonly firstPids: Record<string, number[]>;

  private constructor(world: World, a: PhoneCall, b: PhoneCall, leaked: string[]) {
    this.leaked = leaked;
    this.world = world;
    this.a = a;
    this.b = b;
    this.firstPids = this.pids;
    this.endpoints = join(world.runDir, 'endpoints.json');
  }

  static async start(): Promise<HostileWorld> {
    const world = await World.start();
    const leaked: string[] = [];
    for (const { agent } of [world.phone, world.untrusted]) {
      agent.on('message', (direction, { headers }) => {
        const ours = [...headers].filter(({ name }) => /^x-/i.test(name)).map(({ name }) => name);
        if (direction === 'in') leaked.push(...ours);
      });
    }
    try {
      const { number } = await world.customer({ caller: CALLER, authorised: false, micros: 50_000_000n });
      const { accounts, ledger } = world;
      await call(accounts, accounts.setPin, { number, pin: PIN });
      const amount = { micros: 1n, currency: 'EUR' };
      await call(
        ledger,
        ledger.topUp,
        billing.TopUpRequest.fromPartial({ requestId: 'noted', accountNumber: number, amount, note: NOTE }),
      );
      world.phone.onCallTo(DESTINATION, answer(100));
      const a = await world.calledBack(CALLER, CALLBACK);
      await a.expectPrompt('ask_pin', WAIT, { until: 'start' });
      await a.key(`${WRONG_PIN}#`);
      await a.expectPrompt('wrong_pin', WAIT, { until: 'start' });
      await a.key(`${PIN}#`);
      await a.expectPrompt('ask_destination', WAIT, { until: 'start' });
      await a.key(`00${DESTINATION.slice(1)}#`);
      const b = await world.phone.expectCall(DESTINATION, WAIT);
      await b.expectAnswered(WAIT);
      const hostile = new HostileWorld(world, a, b, leaked);
      await hostile.stillTalking();
      return hostile;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    try {
      await this.stillTalking();
      this.a.hangup();
      await this.world.settled();
      await this.world.invariants();
      assert.deepEqual(this.leaked, [], 'no header of our own left towards a carrier');
    } finally {
      await this.world.close();
    }
  }

  cli(...args: string[]): Promise<Said> {
    return ringback(this.endpoints, ...args);
  }

  /** Both ends of the conversation hear each other now. */
  async stillTalking(): Promise<void> {
    const { a, b } = this;
    a.marker(FROM_A);
    b.marker(FROM_B);
    await Promise.all([a.heard.expectTone(FROM_B, WAIT), b.heard.expectTone(FROM_A, WAIT)]);
    a.marker(undefined);
    b.marker(undefined);
  }

  /** Somebody else's missed call works: rings, is rejected, is called back and spoken to. */
  async anotherCallWorks(): Promise<PhoneCall> {
    const { world } = this;
    const { caller } = await world.customer();
    const trigger = await world.trigger(caller, CALLBACK);
    assert.equal(trigger.end?.status, 486);
    const callback = await world.phone.expectCall(caller, WAIT);
    callback.answer();
    await callback.expectPrompt('ask_destination', WAIT, { until: 'start' });
    callback.hangup();
    return callback;
  }

  /** A socket of that address that talks to the edge. */
  async withPeer<T>(host: string, work: (peer: RawPeer) => Promise<T>): Promise<T> {
    const peer = await RawPeer.open(host, this.world.endpoints.edge.sip);
    try {
      return await work(peer);
    } finally {
      await peer.close();
    }
  }

  get carrierHost(): string {
    return this.world.endpoints.carrier.sip.split(':')[0] ?? '';
  }

  get untrustedHost(): string {
    return this.world.endpoints.untrustedCarrier.sip.split(':')[0] ?? '';
  }

  /** Request-URI of the access number at the edge. */
  get accessUri(): string {
    return `sip:${CALLBACK}@${this.world.endpoints.edge.sip}`;
  }

  get pids(): Record<string, number[]> {
    return structuredClone(this.world.platform.supervisor.pids());
  }
}
