import type { ServerWritableStream } from '@grpc/grpc-js';
import type { dialer } from '@ringback/contracts';
import { GrpcError } from '@ringback/service-kit';
import type { RoutingStore } from '../adapters/routing-store.ts';
import { checkAccessNumber, checkPrefix, checkTrunk } from './routing-rules.ts';

export function routingHandlers(store: RoutingStore) {
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
      const trunk = checkTrunk(request.trunk);
      await store.putTrunk(trunk);
      return { trunk };
    },
    deleteTrunk: ({ id }: dialer.DeleteTrunkRequest) => remove('trunk', 'id', id),
    listTrunks: (): Promise<dialer.ListTrunksResponse> =>
      Promise.resolve({ trunks: [...store.snapshot.trunks.values()] }),
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
      call.write({ revision, accessNumbers: [...accessNumbers.values()], trunks: [...trunks.values()] });
    });
    call.on('close', stop);
    call.on('cancelled', stop);
    call.on('error', stop);
  };
}
