import { type ServiceError, status } from '@grpc/grpc-js';

export type GrpcErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'INTERNAL';

/** An error that carries its own verdict: gRPC status, the field it is about (or empty), a sentence for people. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: GrpcErrorCode;
  readonly field: string;

  constructor(code: GrpcErrorCode, field: string, message: string, options?: ErrorOptions) {
    super(field === '' ? message : `${field}: ${message}`, options);
    this.code = code;
    this.field = field;
  }

  static invalidArgument = (field: string, message: string): GrpcError =>
    new GrpcError('INVALID_ARGUMENT', field, message);
  static notFound = (field: string, message: string): GrpcError => new GrpcError('NOT_FOUND', field, message);
  static alreadyExists = (field: string, message: string): GrpcError => new GrpcError('ALREADY_EXISTS', field, message);
  static failedPrecondition = (message: string): GrpcError => new GrpcError('FAILED_PRECONDITION', '', message);
  static aborted = (message: string): GrpcError => new GrpcError('ABORTED', '', message);
  static unavailable = (message: string, cause?: unknown): GrpcError =>
    new GrpcError('UNAVAILABLE', '', message, { cause });
}

/** PostgreSQL is away, shutting down or starting (SQLSTATE 08, 53, 57, and socket errors): worth asking again. */
function isPassing(error: Error & { code?: unknown }): boolean {
  return (
    (typeof error.code === 'string' && /^(08|53|57|40)|^E[A-Z]+$/.test(error.code)) ||
    /terminated|timeout exceeded|Connection ended/i.test(error.message)
  );
}

/** What a thrown value means to the caller. Unknown errors are INTERNAL and keep their text to the log. */
export function toGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  if (error instanceof Error && isPassing(error)) return GrpcError.unavailable('the database is away', error);
  return new GrpcError('INTERNAL', '', 'internal error', { cause: error });
}

/** As grpc-js wants it in a callback. */
export function toServiceError(error: unknown): Partial<ServiceError> & { code: status; details: string } {
  const { code, message } = toGrpcError(error);
  return { name: 'GrpcError', message, code: status[code], details: message };
}
