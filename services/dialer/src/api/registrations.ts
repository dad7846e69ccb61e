import type { dialer } from '@ringback/contracts';
import { GrpcError } from '@ringback/service-kit';
import type { RegistrarLease } from '../adapters/registrar-lease.ts';

/** For so long an edge may register after it asked; it asks again in a third of it. */
export const REGISTRAR_LEASE_MS = 15_000;
const EDGE_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$/;

/** Trunks that want a registration, as the edge that makes it has to know them. */
const registrationsOf = (trunks: Iterable<dialer.Trunk>): dialer.Registration[] =>
  [...trunks]
    .filter(({ registrar, disabled }) => registrar !== '' && !disabled)
    .map(({ id, registrar, username, sealedPassword, registerSeconds }) => ({
      trunkId: id,
      registrar,
      username,
      sealedPassword: Buffer.from(sealedPassword),
      expiresSeconds: registerSeconds,
    }));

/** The lease, and what there is to register for whoever holds it: nobody else is told the passwords. */
export function holdRegistrations(lease: RegistrarLease, trunks: () => Iterable<dialer.Trunk>) {
  return async (request: dialer.HoldRegistrationsRequest): Promise<dialer.HoldRegistrationsResponse> => {
    const { edgeId, release, states } = request;
    if (!EDGE_ID.test(edgeId)) throw GrpcError.invalidArgument('edge_id', 'wants letters, digits, dots and dashes');
    if (release) {
      await lease.release(edgeId);
      return { held: false, ttlMs: 0, registrations: [] };
    }
    const held = await lease.hold(edgeId, REGISTRAR_LEASE_MS, states);
    return held
      ? { held, ttlMs: REGISTRAR_LEASE_MS, registrations: registrationsOf(trunks()) }
      : { held, ttlMs: 0, registrations: [] };
  };
}

/** How the registrations of those trunks stand. */
export async function registrationStates(
  lease: RegistrarLease,
  trunks: Iterable<dialer.Trunk>,
): Promise<dialer.TrunkRegistration[]> {
  const wanted = registrationsOf(trunks);
  if (wanted.length === 0) return [];
  const holder = await lease.holder();
  const registered = new Set(holder?.states.filter((state) => state.registered).map(({ trunkId }) => trunkId));
  return wanted.map(({ trunkId }) => ({
    trunkId,
    edgeId: holder?.edgeId ?? '',
    registered: registered.has(trunkId),
  }));
}
