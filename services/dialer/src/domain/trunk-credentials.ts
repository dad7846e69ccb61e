import type { dialer } from '@ringback/contracts';
import type { DialBody } from './model.ts';

/** What a trunk wants to be told of us; the password stays sealed until the switch's agent needs it. */
export function credentialsOf({ username, sealedPassword }: dialer.Trunk): Pick<DialBody, 'credentials'> {
  if (username === '') return {};
  return { credentials: { username, sealedPassword: Buffer.from(sealedPassword).toString('base64') } };
}
