import { sw, switchCommandSubject, switchProgressSubject, switchRepublishSubject } from '@ringback/contracts';
import {
  Agent,
  type CdrFiles,
  confirmedBy,
  type JournalPort,
  type JournalRecord,
  JournalState,
  publishAgain,
  Publisher,
  statusOf,
} from '@ringback/switch-agent/core';
import type { Bus } from './bus.ts';
import type { Life } from './life.ts';
import { loggerTo, type Tell } from './quiet-log.ts';
import type { Ids, Random } from './random.ts';
import { eventSocket } from './switch/event-socket.ts';
import type { SimSwitch } from './switch/switch.ts';

const STATUS_MS = 1_000;
const MAX_SESSIONS = 4_000;
/** A snapshot is written when this much came since the last. */
const COMPACT_RECORDS = 20_000;
export const STATUS_SUBJECT = 'switch.status';

/** What of a journal survives its process: what was flushed. */
export class Disk {
  records: JournalRecord[] = [];
  compactedAt = 0;
  /** Ids of all commands that were ever flushed. */
  readonly commands = new Set<string>();

  flush(records: readonly JournalRecord[]): void {
    this.records.push(...records);
    for (const record of records) if (record.k === 'command') this.commands.add(record.id);
  }
}

/** The journal on a disk that takes its time. */
function journalOn(disk: Disk, life: Life, random: Random, newRun: () => string): JournalPort {
  const state = new JournalState();
  for (const record of disk.records) state.apply(record);
  if (state.run === '') {
    state.run = newRun();
    disk.records.push({ k: 'run', run: state.run });
  }
  state.forget(life.nowUs());
  let pending: JournalRecord[] = [];
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    while (pending.length > 0) {
      const records = pending;
      pending = [];
      // A process that was killed in between did not get this far.
      await life.ask(200 + random.exponential(400), 0, () => life.alive && disk.flush(records));
      if (disk.records.length > disk.compactedAt * 2 + COMPACT_RECORDS && pending.length === 0)
        compact(disk, state, life);
    }
    writing = undefined;
  };
  return {
    state,
    append(records) {
      for (const record of records) state.apply(record);
      pending.push(...records);
      const before = writing;
      writing ??= write();
      // What is being written now was appended before.
      return before ? before.then(() => settled()) : writing;
    },
    settled: () => settled(),
  };
  function settled(): Promise<void> {
    return writing ?? Promise.resolve();
  }
}

function compact(disk: Disk, state: JournalState, life: Life): void {
  state.forget(life.nowUs());
  disk.records = [...state.snapshot()];
  disk.compactedAt = disk.records.length;
}

/** Files that the switch left; they outlive the agent. */
const cdrFilesOf = ({ files }: SimSwitch): CdrFiles => ({
  names: () => Promise.resolve([...files.keys()]),
  read: (name) => Promise.resolve(files.get(name)!),
  remove: (name) => {
    files.delete(name);
    return Promise.resolve();
  },
});

export interface AgentWorld {
  bus: Bus;
  random: Random;
  ids: Ids;
  tell: Tell;
  /** The agent answered a command. */
  took(switchId: string, command: sw.Command, status: sw.CommandAck_Status, onDisk: boolean): void;
}

/** One life of a switch's agent: the real one, on a simulated disk, bus and event socket. */
export function startAgent(life: Life, on: SimSwitch, disk: Disk, world: AgentWorld): Agent {
  const { bus, random, ids } = world;
  const switchId = on.id;
  const node = life.name;
  const journal = journalOn(disk, life, random, () => ids.next());
  const { state } = journal;
  const publisher = new Publisher({
    switchId,
    run: () => state.run,
    held: (shard) => state.shard(shard).events,
    publish: (subject, data) => bus.publish(life, node, subject, data),
    after: life.after,
    failed: () => {},
  });
  const agent = new Agent({
    switchId,
    journal,
    log: loggerTo(world.tell),
    nowUs: life.nowUs,
    monotonicUs: () => life.clock.nowUs,
    timers: { after: life.after, every: life.every },
    newId: () => ids.next(),
    openEsl: eventSocket(life, on, random, ids),
    silenceMs: 5_000,
    hangMs: 60_000,
    profile: 'external',
    nextEdge: () => '',
    openPassword: () => '',
    promptsDir: '/prompts',
    hasFile: () => Promise.resolve(true),
    cdrFiles: cdrFilesOf(on),
    maxSessions: MAX_SESSIONS,
    sessionsPerSecond: 200,
    durable: (shard, seq) => publisher.durable(shard, seq),
    changed: () => {},
  });
  bus.serve(life, node, switchCommandSubject(switchId), async (data) => {
    const command = sw.Command.decode(data);
    const ack = await agent.command(command);
    world.took(switchId, command, ack.status, disk.commands.has(command.commandId));
    return sw.CommandAck.encode({ commandId: command.commandId, ...ack }).finish();
  });
  bus.listen<Uint8Array>(life, node, switchProgressSubject(switchId), (data) => {
    const records = confirmedBy(sw.SourceProgress.decode(data), state);
    if (records.length > 0) void journal.append(records);
  });
  bus.listen<Uint8Array>(life, node, switchRepublishSubject(switchId), (data) =>
    publishAgain(sw.RepublishRequest.decode(data), state, publisher),
  );
  bus.onReconnect(life, node, () => publisher.retryNow());
  for (const [shard, { seq }] of state.shards) publisher.durable(shard, seq);
  agent.start();
  const status = () => ({ switchId, sipAddress: '', maxSessions: MAX_SESSIONS, nowUs: life.nowUs() });
  life.every(STATUS_MS, () => bus.tell(node, STATUS_SUBJECT, statusOf(agent, state, status())));
  return agent;
}
