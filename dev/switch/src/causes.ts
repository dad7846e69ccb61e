/**
 * Hangup causes: FreeSWITCH's names with their numbers (Q.850 below 128, its own above), what each becomes in SIP
 * (RFC 3398 section 7.2 as mod_sofia's hangup_cause_to_sip has it, checked against the recording of every cause the
 * road uses), and what a SIP failure becomes (RFC 3398 section 7.2.4.1, mod_sofia's sip_to_cause).
 */
const CAUSES = {
  NONE: 0,
  UNALLOCATED_NUMBER: 1,
  NO_ROUTE_TRANSIT_NET: 2,
  NO_ROUTE_DESTINATION: 3,
  CHANNEL_UNACCEPTABLE: 6,
  CALL_AWARDED_DELIVERED: 7,
  NORMAL_CLEARING: 16,
  USER_BUSY: 17,
  NO_USER_RESPONSE: 18,
  NO_ANSWER: 19,
  SUBSCRIBER_ABSENT: 20,
  CALL_REJECTED: 21,
  NUMBER_CHANGED: 22,
  REDIRECTION_TO_NEW_DESTINATION: 23,
  EXCHANGE_ROUTING_ERROR: 25,
  DESTINATION_OUT_OF_ORDER: 27,
  INVALID_NUMBER_FORMAT: 28,
  FACILITY_REJECTED: 29,
  RESPONSE_TO_STATUS_ENQUIRY: 30,
  NORMAL_UNSPECIFIED: 31,
  NORMAL_CIRCUIT_CONGESTION: 34,
  NETWORK_OUT_OF_ORDER: 38,
  NORMAL_TEMPORARY_FAILURE: 41,
  SWITCH_CONGESTION: 42,
  ACCESS_INFO_DISCARDED: 43,
  REQUESTED_CHAN_UNAVAIL: 44,
  PRE_EMPTED: 45,
  FACILITY_NOT_SUBSCRIBED: 50,
  OUTGOING_CALL_BARRED: 52,
  INCOMING_CALL_BARRED: 54,
  BEARERCAPABILITY_NOTAUTH: 57,
  BEARERCAPABILITY_NOTAVAIL: 58,
  SERVICE_UNAVAILABLE: 63,
  BEARERCAPABILITY_NOTIMPL: 65,
  CHAN_NOT_IMPLEMENTED: 66,
  FACILITY_NOT_IMPLEMENTED: 69,
  SERVICE_NOT_IMPLEMENTED: 79,
  INVALID_CALL_REFERENCE: 81,
  INCOMPATIBLE_DESTINATION: 88,
  INVALID_MSG_UNSPECIFIED: 95,
  MANDATORY_IE_MISSING: 96,
  MESSAGE_TYPE_NONEXIST: 97,
  WRONG_MESSAGE: 98,
  IE_NONEXIST: 99,
  INVALID_IE_CONTENTS: 100,
  WRONG_CALL_STATE: 101,
  RECOVERY_ON_TIMER_EXPIRE: 102,
  MANDATORY_IE_LENGTH_ERROR: 103,
  PROTOCOL_ERROR: 111,
  INTERWORKING: 127,
  SUCCESS: 142,
  ORIGINATOR_CANCEL: 487,
  CRASH: 700,
  SYSTEM_SHUTDOWN: 701,
  LOSE_RACE: 702,
  MANAGER_REQUEST: 703,
  BLIND_TRANSFER: 800,
  ATTENDED_TRANSFER: 801,
  ALLOTTED_TIMEOUT: 802,
  USER_CHALLENGE: 803,
  MEDIA_TIMEOUT: 804,
  PICKED_OFF: 805,
  USER_NOT_REGISTERED: 806,
  PROGRESS_TIMEOUT: 807,
  INVALID_GATEWAY: 808,
  GATEWAY_DOWN: 809,
  INVALID_URL: 810,
  INVALID_PROFILE: 811,
  NO_PICKUP: 812,
} as const;

export type Cause = keyof typeof CAUSES;

/** The cause of that name or number; undefined when there is none. */
export function parseCause(text: string): Cause | undefined {
  const name = text.trim().toUpperCase();
  if (name in CAUSES) return name as Cause;
  if (!/^\d+$/.test(name)) return undefined;
  return (Object.keys(CAUSES) as Cause[]).find((key) => CAUSES[key] === Number(name));
}

/** variable_hangup_cause_q850: FreeSWITCH's own causes count as 16. */
export function causeQ850(cause: Cause): number {
  return CAUSES[cause] < 128 ? CAUSES[cause] : 16;
}

/** The Reason header (RFC 3326) FreeSWITCH puts on BYE, CANCEL and final failures. */
export function reasonHeader(cause: Cause): string {
  const code = CAUSES[cause];
  return `${code < 128 ? 'Q.850' : 'SIP'};cause=${code};text="${cause}"`;
}

const TO_SIP: Partial<Record<Cause, readonly [number, string]>> = {
  UNALLOCATED_NUMBER: [404, 'Not Found'],
  NO_ROUTE_TRANSIT_NET: [404, 'Not Found'],
  NO_ROUTE_DESTINATION: [404, 'Not Found'],
  USER_BUSY: [486, 'Busy Here'],
  NO_USER_RESPONSE: [408, 'Request Timeout'],
  NO_ANSWER: [480, 'Temporarily Unavailable'],
  SUBSCRIBER_ABSENT: [480, 'Temporarily Unavailable'],
  CALL_REJECTED: [603, 'Decline'],
  NUMBER_CHANGED: [410, 'Gone'],
  REDIRECTION_TO_NEW_DESTINATION: [410, 'Gone'],
  DESTINATION_OUT_OF_ORDER: [502, 'Bad Gateway'],
  SERVICE_UNAVAILABLE: [502, 'Bad Gateway'],
  INVALID_NUMBER_FORMAT: [484, 'Address Incomplete'],
  INVALID_URL: [484, 'Address Incomplete'],
  FACILITY_REJECTED: [501, 'Not Implemented'],
  NORMAL_UNSPECIFIED: [480, 'Temporarily Unavailable'],
  NORMAL_CLEARING: [480, 'Temporarily Unavailable'],
  REQUESTED_CHAN_UNAVAIL: [503, 'Service Unavailable'],
  NORMAL_CIRCUIT_CONGESTION: [503, 'Service Unavailable'],
  NETWORK_OUT_OF_ORDER: [503, 'Service Unavailable'],
  NORMAL_TEMPORARY_FAILURE: [503, 'Service Unavailable'],
  SWITCH_CONGESTION: [503, 'Service Unavailable'],
  GATEWAY_DOWN: [503, 'Service Unavailable'],
  EXCHANGE_ROUTING_ERROR: [483, 'Too Many Hops'],
  OUTGOING_CALL_BARRED: [403, 'Forbidden'],
  INCOMING_CALL_BARRED: [403, 'Forbidden'],
  BEARERCAPABILITY_NOTAUTH: [403, 'Forbidden'],
  BEARERCAPABILITY_NOTAVAIL: [503, 'Service Unavailable'],
  BEARERCAPABILITY_NOTIMPL: [488, 'Not Acceptable Here'],
  INCOMPATIBLE_DESTINATION: [488, 'Not Acceptable Here'],
  FACILITY_NOT_IMPLEMENTED: [501, 'Not Implemented'],
  SERVICE_NOT_IMPLEMENTED: [501, 'Not Implemented'],
  RECOVERY_ON_TIMER_EXPIRE: [504, 'Gateway Time-out'],
  ORIGINATOR_CANCEL: [487, 'Request Terminated'],
  INTERWORKING: [500, 'Internal Server Error'],
};

/** The final status an unanswered inbound call is refused with. */
export function causeToSip(cause: Cause): readonly [number, string] {
  return TO_SIP[cause] ?? [480, 'Temporarily Unavailable'];
}

const FROM_SIP: Readonly<Record<number, Cause>> = {
  200: 'NORMAL_CLEARING',
  401: 'CALL_REJECTED',
  402: 'CALL_REJECTED',
  403: 'CALL_REJECTED',
  407: 'CALL_REJECTED',
  603: 'CALL_REJECTED',
  608: 'CALL_REJECTED',
  607: 'CALL_REJECTED',
  404: 'UNALLOCATED_NUMBER',
  485: 'NO_ROUTE_DESTINATION',
  604: 'NO_ROUTE_DESTINATION',
  408: 'RECOVERY_ON_TIMER_EXPIRE',
  504: 'RECOVERY_ON_TIMER_EXPIRE',
  410: 'NUMBER_CHANGED',
  413: 'INTERWORKING',
  414: 'INTERWORKING',
  416: 'INTERWORKING',
  420: 'INTERWORKING',
  421: 'INTERWORKING',
  423: 'INTERWORKING',
  505: 'INTERWORKING',
  513: 'INTERWORKING',
  480: 'NO_USER_RESPONSE',
  400: 'NORMAL_TEMPORARY_FAILURE',
  481: 'NORMAL_TEMPORARY_FAILURE',
  500: 'NORMAL_TEMPORARY_FAILURE',
  503: 'NORMAL_TEMPORARY_FAILURE',
  486: 'USER_BUSY',
  600: 'USER_BUSY',
  484: 'INVALID_NUMBER_FORMAT',
  488: 'INCOMPATIBLE_DESTINATION',
  606: 'INCOMPATIBLE_DESTINATION',
  502: 'NETWORK_OUT_OF_ORDER',
  405: 'SERVICE_UNAVAILABLE',
  406: 'SERVICE_NOT_IMPLEMENTED',
  415: 'SERVICE_NOT_IMPLEMENTED',
  501: 'SERVICE_NOT_IMPLEMENTED',
  482: 'EXCHANGE_ROUTING_ERROR',
  483: 'EXCHANGE_ROUTING_ERROR',
  487: 'ORIGINATOR_CANCEL',
};

/** The cause of a failed outbound INVITE, or of a BYE/CANCEL when `reason` names a Q.850 cause. */
export function sipToCause(status: number, reason?: string): Cause {
  const q850 = reason === undefined ? undefined : /Q\.850\s*;.*?cause\s*=\s*(\d+)/i.exec(reason)?.[1];
  if (q850 !== undefined) {
    const cause = parseCause(q850);
    if (cause !== undefined) return cause;
  }
  return FROM_SIP[status] ?? 'NORMAL_UNSPECIFIED';
}

/** The number of a cause (Q.850 below 128). */
export function causeNumber(cause: Cause): number {
  return CAUSES[cause];
}
