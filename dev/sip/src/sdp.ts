export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface SdpCodec {
  payloadType: number;
  /** Upper case: PCMA, PCMU, G722, OPUS, TELEPHONE-EVENT … */
  name: string;
  clockRate: number;
  fmtp: string | undefined;
}

/** One audio stream as an offer or an answer describes it. */
export interface SdpAudio {
  host: string;
  /** 0: refused (RFC 3264 section 6). */
  port: number;
  codecs: SdpCodec[];
  ptime: number | undefined;
  direction: Direction;
}

export interface Sdp {
  origin: { username: string; sessionId: string; version: string; host: string };
  /** The first RTP/AVP audio stream; undefined when there is none. */
  audio: SdpAudio | undefined;
  /** Every m= line, for an answer has to have as many. */
  media: { type: string; port: number; protocol: string; formats: string[] }[];
}

/** What both sides agreed upon, seen from one of them. */
export interface Negotiated {
  /** Where to send. */
  remote: { host: string; port: number };
  codec: 'PCMA' | 'PCMU';
  payloadType: number;
  /** To SEND telephone-events with (the peer's number); undefined when the peer has none. */
  dtmfPayloadType: number | undefined;
  ptime: number;
  /** Our direction. */
  direction: Direction;
}

const STATIC: Readonly<Record<number, readonly [string, number]>> = {
  0: ['PCMU', 8000],
  3: ['GSM', 8000],
  8: ['PCMA', 8000],
  9: ['G722', 8000],
  13: ['CN', 8000],
  18: ['G729', 8000],
};

/** Reads an SDP leniently (RFC 8866); undefined when it is none. */
export function parseSdp(text: string): Sdp | undefined {
  const lines = text.split(/\r?\n/).filter((line) => /^[a-z]=/.test(line));
  if (!lines[0]?.startsWith('v=')) return undefined;
  const origin = { username: '-', sessionId: '0', version: '0', host: '0.0.0.0' };
  let sessionHost: string | undefined;
  let sessionDirection: Direction | undefined;
  const media: Sdp['media'] = [];
  let audio: SdpAudio | undefined;
  let inAudio = false;
  let inMedia = false;
  for (const line of lines) {
    const value = line.slice(2).trim();
    if (line.startsWith('o=')) {
      const [username = '-', sessionId = '0', version = '0', , , host = '0.0.0.0'] = value.split(/\s+/);
      Object.assign(origin, { username, sessionId, version, host });
    } else if (line.startsWith('m=')) {
      const match = /^(\S+)\s+(\d{1,5})(?:\/\d+)?\s+(\S+)\s*(.*)$/.exec(value);
      if (!match) return undefined;
      const [, type = '', port = '0', protocol = '', formats = ''] = match;
      if (Number(port) > 65535) return undefined;
      const list = formats.split(/\s+/).filter((format) => format !== '');
      media.push({ type, port: Number(port), protocol, formats: list });
      inMedia = true;
      inAudio = type === 'audio' && /^RTP\/AVPF?$/i.test(protocol) && audio === undefined;
      if (inAudio) {
        audio = {
          host: sessionHost ?? '0.0.0.0',
          port: Number(port),
          codecs: list.filter((format) => /^\d{1,3}$/.test(format)).map((format) => codecOf(Number(format))),
          ptime: undefined,
          direction: sessionDirection ?? 'sendrecv',
        };
      }
    } else if (line.startsWith('c=')) {
      const host = /^IN\s+IP[46]\s+([^\s/]+)/i.exec(value)?.[1];
      if (host !== undefined && !inMedia) sessionHost = host;
      else if (host !== undefined && inAudio && audio) audio.host = host;
    } else if (line.startsWith('a=')) {
      const direction = /^(sendrecv|sendonly|recvonly|inactive)$/i.exec(value)?.[1]?.toLowerCase() as
        | Direction
        | undefined;
      if (direction !== undefined && !inMedia) sessionDirection = direction;
      if (!inAudio || !audio) continue;
      if (direction !== undefined) audio.direction = direction;
      const ptime = /^ptime:\s*(\d+)/i.exec(value)?.[1];
      if (ptime !== undefined) audio.ptime = Number(ptime);
      const rtpmap = /^rtpmap:\s*(\d+)\s+([^/\s]+)\/(\d+)/i.exec(value);
      const mapped = audio.codecs.find((codec) => rtpmap && codec.payloadType === Number(rtpmap[1]));
      if (mapped && rtpmap?.[2]) Object.assign(mapped, { name: rtpmap[2].toUpperCase(), clockRate: Number(rtpmap[3]) });
      const fmtp = /^fmtp:\s*(\d+)\s+(.*)$/i.exec(value);
      const tuned = audio.codecs.find((codec) => fmtp && codec.payloadType === Number(fmtp[1]));
      if (tuned) tuned.fmtp = fmtp?.[2];
    }
  }
  return { origin, audio, media };
}

function codecOf(payloadType: number): SdpCodec {
  const known = STATIC[payloadType];
  return { payloadType, name: known?.[0] ?? 'UNKNOWN', clockRate: known?.[1] ?? 8000, fmtp: undefined };
}

export interface LocalAudio {
  host: string;
  port: number;
  /** In order of preference. Default PCMA, PCMU. */
  codecs?: readonly ('PCMA' | 'PCMU')[];
  /** Default 101; `false` offers no telephone-event. */
  dtmfPayloadType?: number | false;
  ptime?: number;
  direction?: Direction;
  /** o= line: session id, and a version to be raised with every change (RFC 3264 section 8). */
  sessionId?: string;
  version?: number;
  /** o= username and s= line. Default `-`. */
  name?: string;
}

export function formatOffer(local: LocalAudio): string {
  const codecs: SdpCodec[] = (local.codecs ?? ['PCMA', 'PCMU']).map((name) => codecOf(name === 'PCMA' ? 8 : 0));
  if (local.dtmfPayloadType !== false) codecs.push(telephoneEvent(local.dtmfPayloadType ?? 101));
  return [...sessionLines(local), ...audioLines(local, codecs, local.direction ?? 'sendrecv')]
    .join('\r\n')
    .concat('\r\n');
}

function telephoneEvent(payloadType: number): SdpCodec {
  return { payloadType, name: 'TELEPHONE-EVENT', clockRate: 8000, fmtp: '0-16' };
}

function sessionLines(local: LocalAudio): string[] {
  const family = local.host.includes(':') ? 'IP6' : 'IP4';
  const name = local.name ?? '-';
  return [
    'v=0',
    `o=${name} ${local.sessionId ?? '1'} ${local.version ?? 1} IN ${family} ${local.host}`,
    `s=${name}`,
    `c=IN ${family} ${local.host}`,
    't=0 0',
  ];
}

function audioLines(local: LocalAudio, codecs: readonly SdpCodec[], direction: Direction): string[] {
  const lines = [`m=audio ${local.port} RTP/AVP ${codecs.map((codec) => codec.payloadType).join(' ')}`];
  for (const codec of codecs) {
    const name = codec.name === 'TELEPHONE-EVENT' ? 'telephone-event' : codec.name;
    lines.push(`a=rtpmap:${codec.payloadType} ${name}/${codec.clockRate}`);
    if (codec.fmtp !== undefined) lines.push(`a=fmtp:${codec.payloadType} ${codec.fmtp}`);
  }
  lines.push(`a=${direction}`, `a=ptime:${local.ptime ?? 20}`);
  return lines;
}

const REVERSED: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/**
 * Answers an offer (RFC 3264 section 6): the first codec of the offer that we have, telephone-event with the offer's number, other
 * streams refused with port 0. `undefined` when there is no audio codec in common (→ 488).
 */
export function answerOffer(offerText: string, local: LocalAudio): { sdp: string; negotiated: Negotiated } | undefined {
  const offer = parseSdp(offerText);
  if (!offer?.audio || offer.audio.port === 0) return undefined;
  const wanted = local.codecs ?? ['PCMA', 'PCMU'];
  const codec = offer.audio.codecs.find((each) => isG711(each) && wanted.includes(each.name as 'PCMA' | 'PCMU'));
  if (!codec) return undefined;
  const event =
    local.dtmfPayloadType === false
      ? undefined
      : offer.audio.codecs.find((each) => each.name === 'TELEPHONE-EVENT' && each.clockRate === 8000);
  const direction = meet(REVERSED[effective(offer.audio)], local.direction ?? 'sendrecv');
  const lines = sessionLines(local);
  let answered = false;
  for (const stream of offer.media) {
    if (!answered && stream.type === 'audio' && /^RTP\/AVPF?$/i.test(stream.protocol)) {
      answered = true;
      lines.push(...audioLines(local, event ? [codec, { ...event, fmtp: event.fmtp ?? '0-16' }] : [codec], direction));
    } else lines.push(`m=${stream.type} 0 ${stream.protocol} ${stream.formats.join(' ') || '0'}`);
  }
  return { sdp: `${lines.join('\r\n')}\r\n`, negotiated: agreed(offer.audio, codec, event?.payloadType, direction) };
}

/** What an answer to our offer means for us; `undefined` when it refused the stream or chose nothing that we have. */
export function readAnswer(answerText: string): Negotiated | undefined {
  const audio = parseSdp(answerText)?.audio;
  if (!audio || audio.port === 0) return undefined;
  const codec = audio.codecs.find(isG711);
  if (!codec) return undefined;
  const event = audio.codecs.find((each) => each.name === 'TELEPHONE-EVENT' && each.clockRate === 8000);
  return agreed(audio, codec, event?.payloadType, REVERSED[effective(audio)]);
}

function agreed(audio: SdpAudio, codec: SdpCodec, dtmf: number | undefined, direction: Direction): Negotiated {
  return {
    remote: { host: audio.host, port: audio.port },
    codec: codec.name as 'PCMA' | 'PCMU',
    payloadType: codec.payloadType,
    dtmfPayloadType: dtmf,
    ptime: audio.ptime ?? 20,
    direction,
  };
}

function isG711(codec: SdpCodec): boolean {
  return (codec.name === 'PCMA' || codec.name === 'PCMU') && codec.clockRate === 8000;
}

/** c=0.0.0.0 is RFC 2543's hold. */
function effective(audio: SdpAudio): Direction {
  return audio.host === '0.0.0.0' && audio.direction === 'sendrecv' ? 'sendonly' : audio.direction;
}

function meet(a: Direction, b: Direction): Direction {
  const send = (a === 'sendrecv' || a === 'sendonly') && (b === 'sendrecv' || b === 'sendonly');
  const receive = (a === 'sendrecv' || a === 'recvonly') && (b === 'sendrecv' || b === 'recvonly');
  if (send && receive) return 'sendrecv';
  if (send) return 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}
