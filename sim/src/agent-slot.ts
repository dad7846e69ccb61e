import { type AgentWorld, Disk, startAgent } from './agent-process.ts';
import { Life } from './life.ts';
import type { Outages } from './outages.ts';
import { SimSwitch } from './switch/switch.ts';
import type { SwitchWorld } from './switch/world.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A switch with its agent; the agent's disk outlives both. */
export class AgentSlot {
  readonly on: SimSwitch;
  readonly #disk = new Disk();
  readonly #clock: VirtualClock;
  readonly #world: AgentWorld;
  readonly #said: (name: string, why: string) => void;
  readonly #outages: Outages;
  life: Life;

  constructor(
    id: string,
    clock: VirtualClock,
    switches: SwitchWorld,
    world: AgentWorld,
    said: (name: string, why: string) => void,
    outages: Outages,
  ) {
    this.on = new SimSwitch(id, clock, switches);
    this.#clock = clock;
    this.#world = world;
    this.#said = said;
    this.#outages = outages;
    this.life = new Life(id, clock);
    this.life.kill();
    outages.begin(id);
  }

  start(): void {
    if (this.life.alive) return;
    this.life = new Life(this.on.id, this.#clock);
    this.#outages.end(this.on.id);
    this.#said(this.on.id, 'agent starts');
    startAgent(this.life, this.on, this.#disk, this.#world);
  }

  killAgent(restartMs: number): void {
    if (!this.life.alive) return;
    this.life.kill();
    this.#outages.begin(this.on.id);
    this.#said(this.on.id, 'agent is killed');
    this.#clock.after(restartMs * 1000, () => this.start());
  }

  killSwitch(restartMs: number): void {
    if (!this.on.up) return;
    this.#said(this.on.id, 'switch dies');
    this.on.die();
    this.#clock.after(restartMs * 1000, () => {
      this.on.start();
      this.#said(this.on.id, 'switch starts');
    });
  }
}
