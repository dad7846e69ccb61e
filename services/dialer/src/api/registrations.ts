import type { dialer } from '@ringback/contracts';
import { GrpcError } from '@ringback/service-kit';
import type { RegistrarLease } from '../adapters/registrar-lease.ts';

/** For so long an edge may register after it asked; it asks again in a third of it. */
export const REGISTRAR_LEASE_MS = 15_000;
const EDGE_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$/;

const NOT_HELD: dialer.HoldRegistrationsResponse = { held: false, ttlMs: 0, registrations: [] };

/** Those that want a registration. */
const registering = (trunks: Iterable<dialer.Trunk>): dialer.Trunk[] =>
  [...trunks].filter(({ registrar, disabled }) => registrar !== '' && !disabled);

/** As the edge that registers has to know it. */
const registrationOf = (trunk: dialer.Trunk): dialer.Registration => ({
  trunkId: trunk.id,
  registrar: trunk.registrar,
  username: trunk.username,
  sealedPassword: trunk.sealedPassword,
  expiresSeconds: trunk.registerSeconds,
});

/** The lease, and what there is to register for whoever holds it: nobody else is told the passwords. */
export function holdRegistrations(lease: RegistrarLease, trunks: () => Iterable<dialer.Trunk>) {
  return async (request: dialer.HoldRegistrationsRequest): Promise<dialer.HoldRegistrationsResponse> => {
    const { edgeId, release, states } = request;
    if (!EDGE_ID.test(edgeId)) throw GrpcError.invalidArgument('edge_id', 'wants letters, digits, dots and dashes');
    if (release) {
      await lease.release(edgeId);
      return NOT_HELD;
    }
    const held = await lease.hold(edgeId, REGISTRAR_LEASE_MS, states);
    if (!held) return NOT_HELD;
    return { held, ttlMs: REGISTRAR_LEASE_MS, registrations: registering(trunks()).map(registrationOf) };
  };
}

/** How the registrations of those trunks stand. */
export async function registrationStates(
  lease: RegistrarLease,
  trunks: Iterable<dialer.Trunk>,
): Promise<dialer.TrunkRegistration[]> {
  const wanted = registering(trunks);
  if (wanted.length === 0) return [];
  const holder = await lease.holder();
  const registered = new Set(holder?.states.filter((state) => state.registered).map(({ trunkId }) => trunkId));
  return wanted.map(({ id }) => ({
    trunkId: id,
    edgeId: holder?.edgeId ?? '',
    registered: registered.has(id),
  }));
}
