import { createHash } from 'node:crypto';
import { isStruct, member, RpcFault, type Value } from './rpc/binrpc.ts';
import type { KamailioRpc } from './rpc/client.ts';

/** A binding to be kept at a carrier's registrar. */
export interface Wanted {
  readonly trunkId: string;
  /** host:port */
  readonly registrar: string;
  readonly username: string;
  readonly password: string;
  readonly expiresSeconds: number;
}

/** A record of Kamailio's module uac. */
export interface Record {
  readonly trunkId: string;
  /** Of what it was added with: see `digestOf`. */
  readonly digest: string;
  readonly registered: boolean;
  /** A REGISTER is on its way. */
  readonly ongoing: boolean;
  /** It is taken back: nothing is renewed any more. */
  readonly leaving: boolean;
}

export type RegistrationAction =
  | { readonly kind: 'add'; readonly wanted: Wanted }
  /** REGISTER with `Expires: 0`. */
  | { readonly kind: 'unregister'; readonly trunkId: string }
  | { readonly kind: 'remove'; readonly trunkId: string };

/** Stands in a record for all that it was added with: Kamailio itself changes some of that (423 Interval Too Brief). */
export const digestOf = (wanted: Wanted): string =>
  createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16);

/**
 * What is to be done next. What is no longer wanted, or was changed, is taken back at the registrar before it is removed;
 * it is added anew once it is gone.
 */
export function planRegistrations(wanted: readonly Wanted[], records: readonly Record[]): RegistrationAction[] {
  const digests = new Map(wanted.map((each) => [each.trunkId, digestOf(each)]));
  const known = new Set(records.map(({ trunkId }) => trunkId));
  return [
    ...records
      .filter(({ trunkId, digest, leaving }) => leaving || digests.get(trunkId) !== digest)
      .filter(({ ongoing }) => !ongoing)
      .map(({ trunkId, registered, leaving }) =>
        registered && !leaving ? ({ kind: 'unregister', trunkId } as const) : ({ kind: 'remove', trunkId } as const),
      ),
    ...wanted.filter(({ trunkId }) => !known.has(trunkId)).map((each) => ({ kind: 'add', wanted: each }) as const),
  ];
}

/** Flags of a record (uac_reg.c of Kamailio 5.6). */
const ONGOING = 1 << 1;
const ONLINE = 1 << 2;

export async function readRegistrations(rpc: KamailioRpc): Promise<Record[]> {
  const answer = await rpc.call('uac.reg_dump');
  return answer.flatMap(recordsIn);
}

function recordsIn(value: Value): Record[] {
  if (!isStruct(value)) return Array.isArray(value) ? value.flatMap(recordsIn) : [];
  const flags = Number(member(value, 'flags') ?? 0);
  return [
    {
      trunkId: String(member(value, 'l_uuid')),
      digest: String(member(value, 'l_domain')),
      registered: (flags & ONLINE) !== 0,
      ongoing: (flags & ONGOING) !== 0,
      leaving: Number(member(value, 'expires')) === 0,
    },
  ];
}

/** @throws RpcFault, RpcUnavailable: it may or may not be done. */
export async function performRegistration(rpc: KamailioRpc, action: RegistrationAction): Promise<void> {
  if (action.kind === 'add') {
    const { trunkId, registrar, username, password, expiresSeconds } = action.wanted;
    const domain = registrar.slice(0, registrar.lastIndexOf(':'));
    const local = [trunkId, trunkId, digestOf(action.wanted)];
    // Any realm; no hash; at once; from the one socket there is, as the edge's own address.
    const remote = [username, domain, '', username, password, '.', `sip:${registrar}`];
    await rpc.call('uac.reg_add', ...local, ...remote, expiresSeconds, 0, 0, '', '.');
    return;
  }
  const asked =
    action.kind === 'remove'
      ? rpc.call('uac.reg_remove', action.trunkId)
      : rpc.call('uac.reg_unregister', 'l_uuid', action.trunkId);
  await asked.catch((error: unknown) => {
    // Gone already.
    if (!(error instanceof RpcFault) || error.code !== 404) throw error;
  });
}
