import { randomUUID } from 'node:crypto';
import { Api } from './api/api.ts';
import type { Application } from './apps/registry.ts';
import { applications } from './apps/registry.ts';
import type { Cause } from './causes.ts';
import { CdrWriter } from './cdr.ts';
import { Channel } from './channel/channel.ts';
import { epochMicros, SoftTimer } from './clock.ts';
import { Gateways } from './sip/gateways.ts';
import type { SwitchConfig } from './config.ts';
import type { SofiaEndpoint } from './dial-string.ts';
import { EventBus } from './events/bus.ts';
import type { Log } from './log.ts';
import type { Sounds } from './media/sources.ts';
import { Scheduler } from './scheduler.ts';
import type { Leg } from './session/leg.ts';
import type { Session } from './session/session.ts';

/** What the core asks of the SIP side. */
export interface SipSide {
  invite(session: Session, endpoint: SofiaEndpoint): Leg;
}

/** switch_core: the sessions of one switch, its limits, its clock, and the registries of applications and API commands. */
export class Core {
  readonly config: SwitchConfig;
  readonly log: Log;
  readonly coreUuid = randomUUID();
  readonly bus: EventBus;
  readonly timer = new SoftTimer();
  readonly scheduler: Scheduler;
  readonly sessions = new Map<string, Session>();
  readonly applications: ReadonlyMap<string, Application> = applications;
  readonly api: Api;
  readonly cdr: CdrWriter;
  readonly globals: Map<string, string>;
  readonly sounds: Sounds;
  readonly gateways: Gateways;
  readonly startedAt = epochMicros();
  readonly profileName: string;
  readonly context: string;
  maxSessions: number;
  sessionsPerSecond: number;
  inboundPaused = false;
  outboundPaused = false;
  shuttingDown = false;
  sessionsSinceStart = 0;
  peakSessions = 0;
  peakPerSecond = 0;
  sip: SipSide | undefined;
  #lastSessionId = 0;
  #second = 0;
  #admittedInSecond = 0;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(config: SwitchConfig, log: Log) {
    this.config = config;
    this.log = log;
    this.profileName = config.sip.profile;
    this.context = config.sip.context;
    this.bus = new EventBus(
      { coreUuid: this.coreUuid, hostname: config.name, switchname: config.name, ipv4: config.sip.host },
      epochMicros,
    );
    this.scheduler = new Scheduler(this.bus);
    this.maxSessions = config.maxSessions;
    this.sessionsPerSecond = config.sessionsPerSecond;
    this.globals = new Map(
      Object.entries({ core_uuid: this.coreUuid, hostname: config.name, switchname: config.name, ...config.variables }),
    );
    this.sounds = {
      dir: config.soundsDir,
      onListed: (what, file) =>
        this.bus.publish('CUSTOM', [['File', file]], {
          before: [['Event-Subclass', `filestring::${what}`]],
          origin: ['mod_dptools.c', 'next_file', what === 'close' ? '4974' : '5033'],
        }),
    };
    this.gateways = new Gateways(config.gatewaysDir);
    this.cdr = new CdrWriter(config.cdrDir, log);
    this.api = new Api(this);
    this.#heartbeat = setInterval(() => this.#beat(), config.heartbeatSeconds * 1000);
    this.#heartbeat.unref();
  }

  nextSessionId(): number {
    this.#lastSessionId += 1;
    return this.#lastSessionId;
  }

  /** Sessions admitted in the second now running. */
  currentSps(): number {
    return Math.floor(this.bus.now() / 1_000_000) === this.#second ? this.#admittedInSecond : 0;
  }

  /** Whether one more session may start now. FreeSWITCH admits one less a second than the limit says (recording s25). */
  admit(): boolean {
    const second = Math.floor(this.bus.now() / 1_000_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#admittedInSecond = 0;
    }
    if (
      this.shuttingDown ||
      this.sessions.size >= this.maxSessions ||
      this.#admittedInSecond + 1 >= this.sessionsPerSecond
    )
      return false;
    this.#admittedInSecond += 1;
    this.peakPerSecond = Math.max(this.peakPerSecond, this.#admittedInSecond);
    return true;
  }

  add(session: Session): void {
    this.sessions.set(session.uuid, session);
    this.sessionsSinceStart += 1;
    this.peakSessions = Math.max(this.peakSessions, this.sessions.size);
  }

  remove(session: Session): void {
    if (this.sessions.get(session.uuid) === session) this.sessions.delete(session.uuid);
    this.scheduler.deleteGroup(session.uuid);
  }

  invite(session: Session, endpoint: SofiaEndpoint): Leg {
    if (this.sip === undefined) throw new Error('no SIP side');
    return this.sip.invite(session, endpoint);
  }

  /** A channel whose endpoint does not exist: FreeSWITCH tells of its destruction only (recording s03e). */
  destroyUnborn(uuid: string): void {
    const channel = new Channel(this.bus, {
      uuid,
      direction: 'outbound',
      name: 'N/A',
      sessionId: this.nextSessionId(),
      globals: this.globals,
    });
    channel.state = 'CS_NEW';
    channel.runningState = 'CS_NONE';
    channel.emit('CHANNEL_DESTROY');
    channel.enterState('CS_DESTROY');
  }

  hangupAll(cause: Cause): void {
    for (const session of Array.from(this.sessions.values())) session.hangup(cause);
  }

  /** Plays hold music to a leg until its broadcast is stopped. */
  holdMusic(session: Session): void {
    session.messages.push({
      headers: [
        ['call-command', 'execute'],
        ['execute-app-name', 'playback'],
        ['execute-app-arg', 'local_stream://moh'],
        ['loops', '-1'],
      ],
    });
  }

  /** `exec:` of a digit action without `[i]`: the peer is put on hold music meanwhile (recording s10c). */
  broadcastWithHold(session: Session, app: string, data: string): void {
    const peer = this.sessions.get(session.channel.get('bridge_uuid') ?? '');
    if (peer !== undefined) this.holdMusic(peer);
    session.messages.push({
      headers: [
        ['call-command', 'execute'],
        ['execute-app-name', app],
        ['execute-app-arg', data],
      ],
    });
    if (peer !== undefined) session.queueAfterNext(() => peer.stopBroadcast());
  }

  /** `${name}` of a channel's (or global) variables, `$${name}` of globals. */
  expand(text: string, channel: Channel): string {
    return text
      .replace(/\$\$\{([^}]+)\}/g, (_all, name: string) => this.globals.get(name) ?? '')
      .replace(/\$\{([^}]+)\}/g, (_all, name: string) => channel.get(name) ?? '');
  }

  /** `fsctl shutdown`: set by the program. */
  requestShutdown: (elegant: boolean) => void = () => undefined;

  close(): void {
    clearInterval(this.#heartbeat);
    this.scheduler.close();
  }

  #beat(): void {
    const up = Math.floor((this.bus.now() - this.startedAt) / 1000);
    this.bus.publish('HEARTBEAT', [
      ['Event-Info', 'System Ready'],
      ['Up-Time', this.api.upTime()],
      ['FreeSWITCH-Version', '1.11.1-release~64bit'],
      ['Uptime-msec', String(up)],
      ['Session-Count', String(this.sessions.size)],
      ['Max-Sessions', String(this.maxSessions)],
      ['Session-Per-Sec', String(this.sessionsPerSecond)],
      ['Session-Per-Sec-Last', String(this.currentSps())],
      ['Session-Per-Sec-Max', String(this.peakPerSecond)],
      ['Session-Per-Sec-FiveMin', String(this.peakPerSecond)],
      ['Session-Since-Startup', String(this.sessionsSinceStart)],
      ['Session-Peak-Max', String(this.peakSessions)],
      ['Session-Peak-FiveMin', String(this.peakSessions)],
      ['Idle-CPU', '100.000000'],
    ]);
  }
}
