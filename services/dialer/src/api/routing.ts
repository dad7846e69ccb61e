import type { ServerWritableStream } from '@grpc/grpc-js';
import { type dialer, TRUNK_PASSWORD } from '@ringback/contracts';
import { Box } from '@ringback/sealing';
import { GrpcError } from '@ringback/service-kit';
import type { RoutingStore } from '../adapters/routing-store.ts';
import type { RegistrarLease } from '../adapters/registrar-lease.ts';
import { registrationStates } from './registrations.ts';
import { checkAccessNumber, checkPrefix, checkTrunk } from './routing-rules.ts';

/** A trunk as anybody may see it. */
const shown = (trunk: dialer.Trunk): dialer.Trunk => ({ ...trunk, password: '', sealedPassword: Buffer.alloc(0) });

/** `key`: EVENT_KEY, empty where there is none. */
export function routingHandlers(store: RoutingStore, lease: RegistrarLease, key: string) {
  const box = key === '' ? undefined : new Box(key, TRUNK_PASSWORD);
  /** The password that is given, or the one that is set. */
  const sealedPassword = ({ id, username, password }: dialer.Trunk): Buffer => {
    if (username === '' && password === '') return Buffer.alloc(0);
    if (username === '') throw GrpcError.invalidArgument('trunk.username', 'is missing, and there is a password');
    const known = store.snapshot.trunks.get(id);
    if (password === '' && known?.username === username) return known.sealedPassword;
    if (password === '') throw GrpcError.invalidArgument('trunk.password', 'is missing');
    if (!box) throw GrpcError.failedPrecondition('EVENT_KEY is not set: the password could not be sealed');
    return box.seal(Buffer.from(password, 'utf8'), id);
  };

  const remove = async (kind: 'access_number' | 'trunk' | 'denied_range', field: string, id: string) => {
    if (!(await store.delete(kind, id))) throw GrpcError.notFound(field, `there is no such ${kind.replace('_', ' ')}`);
    return {};
  };
  return {
    async putAccessNumber(request: dialer.PutAccessNumberRequest): Promise<dialer.PutAccessNumberResponse> {
      const accessNumber = checkAccessNumber(request.accessNumber);
      await store.putAccessNumber(accessNumber);
      return { accessNumber };
    },
    deleteAccessNumber: ({ number }: dialer.DeleteAccessNumberRequest) => remove('access_number', 'number', number),
    listAccessNumbers: (): Promise<dialer.ListAccessNumbersResponse> =>
      Promise.resolve({ accessNumbers: [...store.snapshot.accessNumbers.values()] }),
    async putTrunk(request: dialer.PutTrunkRequest): Promise<dialer.PutTrunkResponse> {
      const checked = checkTrunk(request.trunk);
      const trunk = { ...checked, password: '', sealedPassword: sealedPassword(checked) };
      await store.putTrunk(trunk);
      return { trunk: shown(trunk) };
    },
    deleteTrunk: ({ id }: dialer.DeleteTrunkRequest) => remove('trunk', 'id', id),
    async listTrunks(): Promise<dialer.ListTrunksResponse> {
      const trunks = [...store.snapshot.trunks.values()];
      return { trunks: trunks.map(shown), registrations: await registrationStates(lease, trunks) };
    },
    async putDeniedRange({ prefix, note }: dialer.PutDeniedRangeRequest): Promise<dialer.PutDeniedRangeResponse> {
      await store.putDenied(checkPrefix(prefix), note);
      return {};
    },
    deleteDeniedRange: ({ prefix }: dialer.DeleteDeniedRangeRequest) => remove('denied_range', 'prefix', prefix),
    listDeniedRanges: (): Promise<dialer.ListDeniedRangesResponse> =>
      Promise.resolve({ ranges: store.snapshot.denied }),
  };
}

/** The whole configuration at once, and again at each change. */
export function watchEdgeConfig(store: RoutingStore) {
  return (call: ServerWritableStream<dialer.WatchEdgeConfigRequest, dialer.WatchEdgeConfigResponse>): void => {
    const stop = store.watch(({ revision, accessNumbers, trunks }) => {
      call.write({ revision, accessNumbers: [...accessNumbers.values()], trunks: [...trunks.values()].map(shown) });
    });
    call.on('close', stop);
    call.on('cancelled', stop);
    call.on('error', stop);
  };
}
