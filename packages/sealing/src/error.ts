/** It could not be opened: another key, another context, or altered. */
export class SealError extends Error {
  override readonly name = 'SealError';
}
