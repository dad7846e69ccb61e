/** A step that cannot be made of this request: which field, and what is wrong with it. */
export class StepError extends Error {
  override readonly name = 'StepError';
  /** As gRPC says it. */
  readonly code = 'INVALID_ARGUMENT';
  readonly field: string;

  constructor(field: string, problem: string) {
    super(problem);
    this.field = field;
  }
}
