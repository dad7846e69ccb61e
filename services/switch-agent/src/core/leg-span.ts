import type { RecordedSpan } from '@ringback/service-kit';
import { isSampled, SpanKind } from '@ringback/service-kit';
import type { Leg, Told } from './leg.ts';

/**
 * The spans of a leg that is over: one SIP dialog from INVITE to BYE (or to the answer that refused it), with the id that
 * its INVITE and its events carried. Of a call that came in also the edge's, which made the trace's first id and tells
 * nothing itself: without it the trace would have no root.
 */
export function legSpans(leg: Leg, told: readonly Told[], switchId: string): RecordedSpan[] {
  const end = told.find(({ legId, body }) => legId === leg.id && ENDS.has(body.$case));
  // `begunUs`: of a journal written before legs had spans.
  if (!end || !leg.begunUs || !isSampled(leg.traceparent)) return [];
  const { body, atUs: endUs } = end;
  const inbound = leg.origin === 'inbound';
  const answeredUs = leg.answeredUs || (body.$case === 'ended' ? Number(body.value.answeredAtUs) : 0);
  const common = {
    'call.leg_role': leg.role,
    'call.trunk_id': leg.trunkId,
    'sip.method': 'INVITE',
    ...(leg.sessionId === '' ? {} : { 'call.session_id': leg.sessionId }),
  } as const;
  const span: RecordedSpan = {
    name: `sip INVITE ${leg.role}`,
    traceparent: leg.traceparent,
    parent: leg.parent,
    startUs: leg.begunUs,
    endUs,
    kind: inbound ? SpanKind.SERVER : SpanKind.CLIENT,
    attributes: {
      ...common,
      'sip.hop': 'switch',
      'call.leg_id': leg.id,
      'call.switch_id': switchId,
      ...(body.$case === 'ended'
        ? {
            'call.cause': body.value.cause,
            'call.q850': body.value.q850,
            'call.cut_off': body.value.cutOff,
            'sip.status_code': answeredUs > 0 ? 200 : body.value.sipStatus,
          }
        : {}),
      'sip.early_media': leg.earlyMedia,
    },
    events: [
      { name: leg.earlyMedia ? 'early media' : 'ringing', atUs: inbound ? leg.createdUs : leg.progressUs },
      { name: 'answered', atUs: answeredUs },
    ].filter(({ atUs }) => atUs > 0),
    ...(body.$case === 'lost' ? { failed: 'leg_lost' } : {}),
    ...(body.$case === 'commandFailed' ? { failed: body.value.code } : {}),
  };
  if (!inbound || leg.parent === '') return [span];
  return [
    {
      name: `sip INVITE ${leg.role} at the edge`,
      traceparent: leg.parent,
      parent: '',
      startUs: receivedUs(leg),
      endUs,
      kind: SpanKind.SERVER,
      attributes: { ...common, 'sip.hop': 'edge' },
    },
    span,
  ];
}

/** Two clocks: a difference that no edge takes to find a switch is not one of time. */
const LONGEST_AT_EDGE_US = 10_000_000;

const receivedUs = ({ begunUs, receivedUs: at }: Leg): number =>
  at > 0 && at <= begunUs && begunUs - at < LONGEST_AT_EDGE_US ? at : begunUs;

const ENDS = new Set(['ended', 'lost', 'commandFailed']);
