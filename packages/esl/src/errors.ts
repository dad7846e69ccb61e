/** A command could not be given, or was answered by an error. `code` is the verdict. */
export class EslError extends Error {
  override readonly name: string = 'EslError';
  readonly code: EslErrorCode;

  constructor(code: EslErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * `refused`: the switch answered -ERR (its words are the message). `disconnected`: the connection went before the answer;
 * whether the command was performed is not known. `not_connected`: it was never sent. `bad_argument`: it would have
 * been another command (a newline within). `overloaded`: too much waits for the switch already; it was never sent.
 */
export type EslErrorCode = 'refused' | 'disconnected' | 'not_connected' | 'bad_argument' | 'auth' | 'overloaded';
