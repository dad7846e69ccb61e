import type { AgentSlot } from './agent-slot.ts';
import { type Bus, NATS } from './bus.ts';
import { type DialerSlot, POSTGRES } from './dialer-slot.ts';
import { type Fault, FAULTS, type FaultKind } from './faults.ts';
import type { Life } from './life.ts';
import type { Network, Node } from './network.ts';
import type { Outages } from './outages.ts';
import type { Services } from './services.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Stage {
  clock: VirtualClock;
  network: Network;
  bus: Bus;
  services: Services;
  dialers: readonly DialerSlot[];
  agents: readonly AgentSlot[];
  outages: Outages;
  say(words: string): void;
}

type Inject = (stage: Stage, fault: Fault) => void;

const SECOND = 1_000_000;
const pick = <T>(items: readonly T[], { target }: Fault): T => items[target % items.length]!;
const later = ({ clock }: Stage, { forUs }: Fault, work: () => void): void => void clock.after(forUs, work);
const ms = ({ forUs }: Fault): number => forUs / 1000;

/** A node that nobody reaches for a while. */
const away =
  (nodeOf: (stage: Stage, fault: Fault) => Node, back: (stage: Stage, node: Node) => void = () => {}): Inject =>
  (stage, fault) => {
    const node = nodeOf(stage, fault);
    stage.network.cut(node);
    later(stage, fault, () => {
      stage.network.heal(node);
      back(stage, node);
    });
  };

const trap =
  (where: 'before_commit' | 'after_commit' | 'performing'): Inject =>
  (stage, fault) =>
    pick(stage.dialers, fault).setTrap(where, ms(fault));

/** A jump of up to `most` seconds, either way; the clock is set right at the end. */
const jump = ({ amount }: Fault, most: number): number => Math.round((amount * 2 - 1) * most) * SECOND;

/** A process that is stopped, and goes on later. */
const stopped =
  (of: (stage: Stage, fault: Fault) => Life): Inject =>
  (stage, fault) => {
    const life = of(stage, fault);
    const node = `stopped ${life.name}`;
    life.pause();
    stage.outages.begin(node);
    later(stage, fault, () => {
      stage.outages.end(node);
      life.resume();
    });
  };

const INJECT: Record<FaultKind, Inject> = {
  dialer_killed: (stage, fault) => pick(stage.dialers, fault).kill(ms(fault)),
  dialer_killed_in_commit: trap('before_commit'),
  dialer_killed_after_commit: trap('after_commit'),
  dialer_killed_performing: trap('performing'),
  dialer_leaves: (stage, fault) => pick(stage.dialers, fault).leave(ms(fault)),
  dialer_stopped: stopped((stage, fault) => pick(stage.dialers, fault).life),
  dialer_clock: (stage, fault) => {
    const { life } = pick(stage.dialers, fault);
    life.skewUs = jump(fault, 30);
    later(stage, fault, () => {
      life.skewUs = 0;
    });
  },
  dialer_cut: away(
    (stage, fault) => pick(stage.dialers, fault).name,
    ({ bus }, node) => bus.reconnected(node),
  ),
  database_away: away(() => POSTGRES),
  commits_unknown: (stage, fault) => {
    for (const dialer of stage.dialers) dialer.unknown = 0.2 + fault.amount * 0.7;
    later(stage, fault, () => {
      for (const dialer of stage.dialers) dialer.unknown = 0;
    });
  },
  agent_killed: (stage, fault) => pick(stage.agents, fault).killAgent(ms(fault)),
  agent_cut: away(
    (stage, fault) => pick(stage.agents, fault).on.id,
    ({ bus }, node) => bus.reconnected(node),
  ),
  agent_stopped: stopped((stage, fault) => pick(stage.agents, fault).life),
  switch_killed: (stage, fault) => pick(stage.agents, fault).killSwitch(ms(fault)),
  switch_clock: (stage, fault) => {
    const { on } = pick(stage.agents, fault);
    on.setClock(jump(fault, 120));
    later(stage, fault, () => on.setClock(0));
  },
  nats_away: away(
    () => NATS,
    ({ bus }) => bus.reconnected(),
  ),
  nats_tail: ({ bus, say }, { amount }) => say(`${bus.loseTail(1 + Math.floor(amount * 40))} messages are lost`),
  nats_renewed: ({ bus }) => bus.renew(),
  bus_mishaps: (stage, fault) => {
    const { amount } = fault;
    stage.bus.mishaps = { lost: amount * 0.3, twice: amount * 0.4, late: amount * 0.4 };
    later(stage, fault, () => {
      stage.bus.mishaps = { lost: 0, twice: 0, late: 0 };
    });
  },
  garbage: ({ bus }, { target }) => bus.inject(`event.${target % 64}.somebody`, Buffer.from(`nonsense ${target}`)),
  billing_away: away(() => 'billing'),
  auth_away: away(() => 'auth'),
  ivr_away: away(() => 'ivr'),
  questions_lost: (stage, fault) => {
    stage.services.mishaps = { lost: fault.amount * 0.4, unanswered: fault.amount * 0.4 };
    later(stage, fault, () => {
      stage.services.mishaps = { lost: 0, unanswered: 0 };
    });
  },
  network_slow: (stage, fault) => {
    stage.network.slowness = 1 + fault.amount * 300;
    later(stage, fault, () => {
      stage.network.slowness = 1;
    });
  },
  operator_ends: (stage, fault) => {
    const { loop, life } = pick(stage.dialers, fault);
    const sessions = [...(loop?.sessions() ?? [])];
    const one = sessions[Math.floor(fault.amount * sessions.length)];
    // A session that is gone meanwhile needs no ending.
    if (one && life.alive && !life.paused)
      loop!.request(one.id, { type: 'end_requested', by: 'operator' }).catch(() => {});
  },
};

/** Makes one thing go wrong now. */
export function inject(stage: Stage, fault: Fault): void {
  stage.say(`FAULT ${fault.kind}: ${FAULTS[fault.kind]} (${(fault.forUs / SECOND).toFixed(1)} s)`);
  INJECT[fault.kind](stage, fault);
}
