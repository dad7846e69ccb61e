/** What every service is made of besides its own domain: configuration, logs, telemetry, gRPC, NATS, PostgreSQL, life cycle. */
export { ConfigError, type Knob, type Knobs, knob, readConfig, type Values } from './config.ts';
export { nowUs, uuidv7 } from './ids.ts';
export { createLogger, type Logger } from './log.ts';
export { runService, type Service, type ServiceContext } from './service.ts';
export {
  type FinishedSpan,
  meter,
  type Span,
  spanContext,
  startTelemetry,
  tracer,
  traceIdOf,
  traceparentOf,
  withSpan,
} from './telemetry.ts';
export { GrpcError, type GrpcErrorCode, toGrpcError } from './grpc/errors.ts';
export { type GrpcServer, type GrpcServerOptions, startGrpcServer, unary, unaryHandlers } from './grpc/server.ts';
export { call, type CallOptions, grpcClient } from './grpc/client.ts';
export { answerStream, type AnswerStreamOptions } from './grpc/answer-stream.ts';
export { QuestionStream, type QuestionStreamOptions } from './grpc/question-stream.ts';
export { connectNats, ensureStreams, type NatsConnection, publishFailureIsDefinite, spanSink } from './nats.ts';
export { createPool, migrate, type Pool, type PoolClient, transaction } from './postgres.ts';
export { Backoff } from './backoff.ts';
