export * from './api.ts';
export type { Credentials } from './digest.ts';
export { FakeTimers, systemTimers, type Timer, type TimerSource } from './clock.ts';
export { canonicalName, HeaderList, splitList, type Header } from './headers.ts';
export {
  contentType,
  formatMessage,
  parseMessage,
  phraseOf,
  sdpOf,
  type Parsed,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message.ts';
export * from './sdp.ts';
export { UdpTransport, type Transport } from './transport.ts';
export { UserAgent } from './user-agent.ts';
export * from './values.ts';
