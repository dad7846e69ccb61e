export {
  type DeepPartial,
  type MessageFns,
  protobufFileName,
  protobufPackage,
} from './gen/ringback/dialer/v1/dialer.ts';
export * from './gen/ringback/dialer/v1/dialer.ts';
export * from './gen/ringback/dialer/v1/edge_config.ts';
