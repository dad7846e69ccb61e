import { Refused } from '../domain/model.ts';

/** Where the next page goes on; opaque to clients. */
export const pageToken = (...parts: (string | bigint)[]): string =>
  Buffer.from(JSON.stringify(parts.map(String))).toString('base64url');

/** @throws {Refused} when the token is none of ours. */
export function readPageToken(token: string, shapes: readonly RegExp[]): string[] | undefined {
  if (token === '') return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(parts) && parts.length === shapes.length) {
      const texts = parts.map(String);
      if (texts.every((text, index) => shapes[index]!.test(text))) return texts;
    }
  } catch {
    // said below
  }
  throw new Refused('INVALID_ARGUMENT', 'page_token', 'is not one that was given out');
}
