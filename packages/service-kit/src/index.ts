/** What every service is made of besides its own domain: configuration, logs, telemetry, gRPC, NATS, PostgreSQL, life cycle. */
export { ConfigError, type Knob, type Knobs, knob, readConfig, type Values } from './config.ts';
export { nowUs, uuidv7 } from './ids.ts';
export { about, createLogger, loggable, type Logger } from './log.ts';
export { runService, type Service, type ServiceContext } from './service.ts';
export { startTelemetry, type Telemetry } from './telemetry.ts';
export {
  ATTRIBUTES,
  attributeProblem,
  type AttributeName,
  type AttributeValue,
  ESL_COMMANDS,
  errorType,
  RESULTS,
  type SpanAttributes,
} from './telemetry/conventions.ts';
export { METRICS, type MetricName } from './telemetry/metric-catalogue.ts';
export { counter, histogram, type Labels, observe } from './telemetry/instruments.ts';
export type { FinishedSpan } from './telemetry/span-sink.ts';
export {
  activeTraceparent,
  childOf,
  inSession,
  isSampled,
  isTraced,
  type RecordedSpan,
  recordSpan,
  type Span,
  spanContext,
  spanIdOf,
  SpanKind,
  traceIdOf,
  traceparentOf,
  withSpan,
} from './telemetry/tracing.ts';
export { processing, processTimer, type Sending, sending, traceOf } from './telemetry/messaging.ts';
export { GrpcError, type GrpcErrorCode, toGrpcError } from './grpc/errors.ts';
export { type GrpcServer, type GrpcServerOptions, startGrpcServer, unary, unaryHandlers } from './grpc/server.ts';
export { serverStream } from './grpc/server-stream.ts';
export { call, callStream, type CallOptions, grpcClient } from './grpc/client.ts';
export { ofRequest, type Served, server as servedRequests, sessionOfRequest } from './grpc/served.ts';
export { answerStream, type AnswerStreamOptions } from './grpc/answer-stream.ts';
export { QuestionStream, type QuestionStreamOptions } from './grpc/question-stream.ts';
export { connectNats, ensureStreams, type NatsConnection, publishFailureIsDefinite, spanSink } from './nats.ts';
export { createPool, migrate, type Pool, type PoolClient, transaction } from './postgres.ts';
export { Backoff } from './backoff.ts';
