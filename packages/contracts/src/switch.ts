export {
  type DeepPartial,
  type MessageFns,
  protobufFileName,
  protobufPackage,
} from './gen/ringback/switch/v1/event.ts';
export * from './gen/ringback/switch/v1/command.ts';
export * from './gen/ringback/switch/v1/event.ts';
export * from './gen/ringback/switch/v1/status.ts';
