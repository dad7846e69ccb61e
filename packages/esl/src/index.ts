/** FreeSWITCH's event socket (ESL), inbound mode. */
export { EslClient, type EslClientOptions } from './client.ts';
export { dialValue, dialVariables } from './dial-variables.ts';
export { type EslAddress, EslConnection } from './connection.ts';
export { EslError, type EslErrorCode } from './errors.ts';
export { EslEvent, parseEvent, urlDecode } from './event.ts';
export { EslProtocolError, type Frame, FrameReader } from './frame.ts';
