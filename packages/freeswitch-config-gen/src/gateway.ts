import { element, params, render } from './xml.ts';

/**
 * A trunk that wants digest authentication. The switch looks it up by the channel variable `sip_use_gateway` when an INVITE is
 * challenged (401, 407); the call itself goes where its dial string says, through an edge.
 */
export interface Gateway {
  /** Its file's name as well: A–Z a–z 0–9 _ -, ≤ 128. */
  readonly name: string;
  readonly username: string;
  readonly password: string;
}

export const GATEWAY_NAME = /^[A-Za-z0-9_-]{1,128}$/;

/** Content of `<gateways directory>/<name>.xml`; `sofia profile ringback rescan` reads it. For its owner alone. */
export function gatewayFile({ name, username, password }: Gateway): string {
  if (!GATEWAY_NAME.test(name)) throw new RangeError('not a name of a gateway');
  const settings = params({
    username,
    password,
    // The realm of the challenge is what counts; this one only has to be there.
    realm: name,
    register: false,
    // Challenges come from edges, not from the gateway's own address.
    'gw-auth-acl': 'edges',
  });
  return render(element('gateway', { name }, settings));
}
