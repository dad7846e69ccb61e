import type { Endpoint } from './api.ts';
import { HeaderList } from './headers.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { parseCSeq, parseNameAddr, parseUri } from './values.ts';

/** What the two ends of a call remember of each other (RFC 3261 section 12). */
export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From and To of our requests, tags included. */
  readonly local: string;
  readonly remote: string;
  remoteTarget: string;
  routes: readonly string[];
  localSequence: number;
  /** Highest CSeq number received; undefined before the first request of the peer. */
  remoteSequence: number | undefined;

  private constructor(fields: {
    callId: string;
    localTag: string;
    remoteTag: string;
    local: string;
    remote: string;
    remoteTarget: string;
    routes: readonly string[];
    localSequence: number;
    remoteSequence: number | undefined;
  }) {
    this.callId = fields.callId;
    this.localTag = fields.localTag;
    this.remoteTag = fields.remoteTag;
    this.local = fields.local;
    this.remote = fields.remote;
    this.remoteTarget = fields.remoteTarget;
    this.routes = fields.routes;
    this.localSequence = fields.localSequence;
    this.remoteSequence = fields.remoteSequence;
  }

  /** Section 12.1.2: the caller's side, from a response with a To tag. The route set is Record-Route in reverse. */
  static ofResponse(invite: SipRequest, response: SipResponse): Dialog {
    const from = invite.headers.get('From') ?? '';
    const to = response.headers.get('To') ?? '';
    return new Dialog({
      callId: invite.headers.get('Call-ID') ?? '',
      localTag: tagOf(from),
      remoteTag: tagOf(to),
      local: from,
      remote: to,
      remoteTarget: contactOf(response) ?? invite.uri,
      routes: response.headers.values('Record-Route').toReversed(),
      localSequence: parseCSeq(invite.headers.get('CSeq') ?? '')?.sequence ?? 1,
      remoteSequence: undefined,
    });
  }

  /** Section 12.1.1: the called side, from the INVITE and the tag we put into To. */
  static ofRequest(invite: SipRequest, localTag: string, localSequence: number): Dialog {
    const from = invite.headers.get('From') ?? '';
    return new Dialog({
      callId: invite.headers.get('Call-ID') ?? '',
      localTag,
      remoteTag: tagOf(from),
      local: withTag(invite.headers.get('To') ?? '', localTag),
      remote: from,
      remoteTarget: contactOf(invite) ?? parseNameAddr(from)?.uri ?? '',
      routes: invite.headers.values('Record-Route'),
      localSequence,
      remoteSequence: parseCSeq(invite.headers.get('CSeq') ?? '')?.sequence,
    });
  }

  /** Contact of a target refresh (section 12.2). */
  refreshTarget(message: SipRequest | SipResponse): void {
    this.remoteTarget = contactOf(message) ?? this.remoteTarget;
  }

  /** Section 12.2.1.1, loose and strict routing; Via, Max-Forwards and Contact are the agent's matter. `sequence`: of the INVITE, for its ACK. */
  request(method: string, sequence?: number): { request: SipRequest; target: Endpoint } {
    if (sequence === undefined) this.localSequence += 1;
    const headers = new HeaderList([
      ['From', this.local],
      ['To', this.remote],
      ['Call-ID', this.callId],
      ['CSeq', `${sequence ?? this.localSequence} ${method}`],
    ]);
    let uri = this.remoteTarget;
    let routes = this.routes;
    const first = parseUri(parseNameAddr(routes[0] ?? '')?.uri ?? '');
    if (first && !first.params.has('lr')) {
      uri = parseNameAddr(routes[0] ?? '')?.uri ?? uri;
      routes = [...routes.slice(1), `<${this.remoteTarget}>`];
    }
    for (const route of routes) headers.add('Route', route);
    const target = endpointOf(first ? (parseNameAddr(this.routes[0] ?? '')?.uri ?? '') : uri);
    return {
      request: { kind: 'request', method, uri, headers, body: '' },
      target: target ?? { host: '127.0.0.1', port: 0 },
    };
  }
}

/** The URI of the first Contact. */
export function contactOf(message: SipRequest | SipResponse): string | undefined {
  const contact = parseNameAddr(message.headers.values('Contact')[0] ?? '');
  return contact && parseUri(contact.uri) ? contact.uri : undefined;
}

export function tagOf(address: string): string {
  return parseNameAddr(address)?.params.get('tag') ?? '';
}

export function withTag(address: string, tag: string): string {
  return tagOf(address) === '' ? `${address.trim()};tag=${tag}` : address;
}

/** Where a URI's messages go: host (without IPv6 brackets) and port, 5060 by default; undefined for tel: and unreadable ones. */
export function endpointOf(uri: string): Endpoint | undefined {
  const parsed = parseUri(uri);
  if (!parsed || parsed.host === '') return undefined;
  const host = parsed.params.get('maddr') || parsed.host;
  return { host: host.replace(/^\[|\]$/g, ''), port: parsed.port ?? 5060 };
}
