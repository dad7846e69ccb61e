/** A step that cannot be made of this request: which field, and what is wrong with it. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly field: string;

  constructor(field: string, problem: string) {
    super(problem);
    this.field = field;
  }
}
