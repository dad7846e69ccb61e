import { randomUUID } from 'node:crypto';
import { PortPool } from '@ringback/dev-media';
import { type Endpoint, type InboundCall, parseNameAddr, UserAgent, userOf } from '@ringback/dev-sip';
import { type Cause, causeNumber } from '../causes.ts';
import { Channel } from '../channel/channel.ts';
import type { Core, SipSide } from '../core.ts';
import type { SofiaEndpoint } from '../dial-string.ts';
import { route } from '../dialplan.ts';
import type { Leg } from '../session/leg.ts';
import { Session } from '../session/session.ts';
import { InboundLeg } from './inbound-leg.ts';
import { OutboundLeg } from './outbound-leg.ts';
import { inviteVariables } from './variables.ts';

const BUSY_HEADERS: readonly (readonly [string, string])[] = [['Retry-After', '300']];

/** mod_sofia with one profile. */
export class Sofia implements SipSide {
  readonly ua: UserAgent;
  readonly ports: PortPool;
  readonly core: Core;

  private constructor(core: Core, ua: UserAgent) {
    this.core = core;
    this.ua = ua;
    this.ports = new PortPool(core.config.rtp.from, core.config.rtp.to);
    ua.on('invite', (call) => this.#invited(call));
  }

  static async start(core: Core): Promise<Sofia> {
    const { sip, edges } = core.config;
    const ua = await UserAgent.create({
      host: sip.host,
      port: sip.port,
      contactUser: 'mod_sofia',
      userAgent: sip.userAgent,
      ...(sip.sessionExpires > 0 ? { sessionTimers: { expires: sip.sessionExpires, minSe: sip.minSe } } : {}),
      admit: (request, source) => {
        if (edges.length > 0 && !edges.includes(source.host)) return 403;
        // sip-options-respond-503-on-busy: what edges probe.
        if (request.method === 'OPTIONS' && (core.inboundPaused || core.sessions.size >= core.maxSessions)) return 503;
        return undefined;
      },
    });
    const sofia = new Sofia(core, ua);
    core.sip = sofia;
    return sofia;
  }

  get address(): Endpoint {
    return this.ua.address;
  }

  get profile(): string {
    return this.core.profileName;
  }

  causeNumber(cause: Cause): number {
    return causeNumber(cause);
  }

  invite(session: Session, endpoint: SofiaEndpoint): Leg {
    return new OutboundLeg(this, session, endpoint);
  }

  /** `execute_on_<event>` variables (and `execute_on_<event>_1` …): applications run when it happens. */
  async executeOn(session: Session, event: string): Promise<void> {
    for (const [name, value] of Array.from(session.channel.variables)) {
      if (name !== `execute_on_${event}` && !name.startsWith(`execute_on_${event}_`)) continue;
      const match = /^([a-z_0-9]+)(?:(?:::|\s+)(.*))?$/s.exec(value);
      if (match !== null && session.up) await session.execute(match[1] ?? '', match[2] ?? '');
    }
  }

  #invited(call: InboundCall): void {
    const { core } = this;
    if (core.inboundPaused || !core.admit()) {
      call.reject(503, { phrase: 'Maximum Calls In Progress', headers: BUSY_HEADERS });
      return;
    }
    const { headers } = call.request;
    const from = parseNameAddr(headers.get('From') ?? '');
    const user = call.callerUser;
    const fromUri = (from?.uri ?? 'sip:unknown').replace(/^sips?:/, '').replace(/[;?].*$/, '');
    const channel = new Channel(core.bus, {
      uuid: randomUUID(),
      direction: 'inbound',
      name: `sofia/${this.profile}/${fromUri}`,
      sessionId: core.nextSessionId(),
      globals: core.globals,
    });
    const asserted = headers.get('P-Asserted-Identity') ?? headers.get('Remote-Party-ID');
    const number = asserted === undefined ? user : userOf(asserted) || user;
    const name = (asserted === undefined ? undefined : parseNameAddr(asserted)?.display) ?? from?.display ?? number;
    channel.profile = {
      direction: 'inbound',
      logicalDirection: 'inbound',
      username: number,
      dialplan: 'XML',
      callerIdName: name,
      callerIdNumber: number,
      origCallerIdName: name,
      origCallerIdNumber: number,
      networkAddr: call.remote.host,
      ani: number,
      destinationNumber: call.calledUser,
      uuid: channel.uuid,
      source: 'mod_sofia',
      context: core.context,
      channelName: channel.name,
      profileIndex: 1,
      profileCreated: channel.times.created,
    };
    inviteVariables(channel, call.request, call.remote, { ...this.address, profile: this.profile });
    if (asserted !== undefined)
      channel.set('sip_cid_type', headers.get('P-Asserted-Identity') === undefined ? 'rpid' : 'pid');
    channel.setAll({ switch_r_sdp: call.remoteSdp, endpoint_disposition: 'DELAYED NEGOTIATION' });
    const session = new Session(core, channel);
    session.leg = new InboundLeg(this, session, call);
    session.apps = route(core, channel);
    core.add(session);
    void session.run();
  }

  close(graceMs: number): Promise<void> {
    return this.ua.close(graceMs);
  }
}
