import { EventEmitter, once } from 'node:events';
import { anyPort, openRtpSession, type RtpSession } from '@ringback/dev-media';
import {
  answerOffer,
  formatOffer,
  type InboundCall,
  type OutboundCall,
  readAnswer,
  UserAgent,
} from '@ringback/dev-sip';
import type { FarEnd } from './plan.ts';

interface FarLeg {
  call: InboundCall | OutboundCall;
  rtp: RtpSession;
}

/** The leg's numbers, and the port its far end had when recorded. */
export interface Who {
  /** Called: by it a received INVITE is told from others. */
  user: string;
  caller: string;
  port: string;
  /** Headers of its INVITE. */
  headers: [string, string][];
  /** Whether its SDP had telephone-event. */
  telephoneEvent: boolean;
}

/** Both far ends of a replay: what the recorder's small SIP agents at ports 5066 and 5067 were. */
export class FarEnds {
  /** By the port they had when recorded. */
  readonly agents: ReadonlyMap<string, UserAgent>;
  readonly #switchSip: { host: string; port: number };
  readonly #legs = new Map<string, FarLeg>();
  /** Calls that arrived, by called user and port, waiting for their first step. */
  readonly #arrived = new Map<string, InboundCall[]>();
  readonly #arrivals = new EventEmitter();

  private constructor(agents: ReadonlyMap<string, UserAgent>, switchSip: { host: string; port: number }) {
    this.agents = agents;
    this.#switchSip = switchSip;
    for (const [port, agent] of agents) {
      agent.on('invite', (call) => {
        const key = `${call.calledUser} ${port}`;
        this.#arrived.set(key, [...(this.#arrived.get(key) ?? []), call]);
        this.#arrivals.emit('call');
      });
    }
  }

  static async open(switchSip: { host: string; port: number }, ports: Iterable<string>): Promise<FarEnds> {
    const make = (): Promise<UserAgent> =>
      UserAgent.create({ host: '127.0.0.1', port: 0, contactUser: 'ua', userAgent: 'miniua' });
    const agents = new Map<string, UserAgent>();
    for (const port of ports) agents.set(port, await make());
    return new FarEnds(agents, switchSip);
  }

  async act(leg: string, who: Who, act: FarEnd): Promise<void> {
    if (act.do === 'invite') return this.#invite(leg, who);
    const far = this.#legs.get(leg) ?? (await this.#take(leg, `${who.user} ${who.port}`));
    const { call, rtp } = far;
    if (act.do === 'bye' || act.do === 'cancel') call.hangup();
    else if (act.do === 'info') void call.info(act.contentType, act.body);
    else if (act.do === 'dtmf') void rtp.sendDtmf(act.digits, { durationMs: 100, gapMs: 100 });
    else if (call.direction === 'inbound') {
      if (act.do === 'ring') call.ring();
      else if (act.do === 'progress') call.progress(this.#answerSdp(far, who));
      else if (act.do === 'answer') call.answer(this.#answerSdp(far, who));
      else if (act.do === 'reject')
        call.reject(act.status, { phrase: act.phrase, ...(act.reason === undefined ? {} : { reason: act.reason }) });
    }
    return undefined;
  }

  #answerSdp({ call, rtp }: FarLeg, { telephoneEvent }: Who): string {
    const result = answerOffer(call.remoteSdp ?? '', {
      host: '127.0.0.1',
      port: rtp.port,
      codecs: ['PCMU'],
      ...(telephoneEvent ? {} : { dtmfPayloadType: false }),
    });
    if (result === undefined) throw new Error('no common codec');
    const { negotiated } = result;
    rtp.configure({ remote: negotiated.remote, codec: negotiated.codec, dtmfPayloadType: negotiated.dtmfPayloadType });
    return result.sdp;
  }

  async #take(leg: string, key: string): Promise<FarLeg> {
    let call = this.#arrived.get(key)?.shift();
    while (call === undefined) {
      await once(this.#arrivals, 'call', { signal: AbortSignal.timeout(5000) });
      call = this.#arrived.get(key)?.shift();
    }
    const far = { call, rtp: await openRtpSession({ host: '127.0.0.1', ports: anyPort, codec: 'PCMU' }) };
    this.#legs.set(leg, far);
    return far;
  }

  async #invite(leg: string, { user, caller, port: recordedPort, telephoneEvent, headers }: Who): Promise<void> {
    const agent = this.agents.get(recordedPort);
    if (agent === undefined) throw new Error(`no far end for port ${recordedPort}`);
    const rtp = await openRtpSession({ host: '127.0.0.1', ports: anyPort, codec: 'PCMU' });
    const { host, port } = this.#switchSip;
    const from = agent.address;
    const call = agent.invite({
      uri: `sip:${user}@${host}:${port}`,
      headers,
      from: `"${caller}" <sip:${caller}@${from.host}:${from.port}>`,
      sdp: formatOffer({
        host: '127.0.0.1',
        port: rtp.port,
        codecs: ['PCMU'],
        ...(telephoneEvent ? {} : { dtmfPayloadType: false }),
      }),
    });
    const media = (sdp: string | undefined): void => {
      const negotiated = sdp === undefined ? undefined : readAnswer(sdp);
      if (negotiated !== undefined)
        rtp.configure({
          remote: negotiated.remote,
          codec: negotiated.codec,
          dtmfPayloadType: negotiated.dtmfPayloadType,
        });
    };
    call.on('provisional', ({ sdp }) => media(sdp));
    call.on('answered', ({ sdp }) => media(sdp));
    call.on('failed', () => undefined);
    this.#legs.set(leg, { call, rtp });
  }

  /** The final status an inbound call of ours got, for the cause map. */
  async close(): Promise<void> {
    for (const { rtp } of this.#legs.values()) rtp.close(0);
    for (const agent of this.agents.values()) await agent.close(200);
  }
}
