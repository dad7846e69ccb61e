import { type dialer, sw, switchCommandSubject } from '@ringback/contracts';
import { activeTraceparent, GrpcError, type NatsConnection, nowUs, uuidv7 } from '@ringback/service-kit';
import type { SwitchRegistry } from '../adapters/switch-registry.ts';

const DRAIN_MS = 5_000;

export function switchHandlers(
  registry: SwitchRegistry,
  connection: NatsConnection,
  sessionsOn: (switchId: string) => number,
) {
  return {
    listSwitches: (): Promise<dialer.ListSwitchesResponse> =>
      Promise.resolve({
        switches: registry.list().map((known) => ({
          status: known.status,
          state: registry.stateOf(known),
          openSessions: sessionsOn(known.status.switchId),
        })),
      }),

    /** New sessions stop at once (this process's own choice); the switch then pauses inbound calls. */
    async drainSwitch({ switchId, draining }: dialer.DrainSwitchRequest): Promise<dialer.DrainSwitchResponse> {
      if (!registry.has(switchId)) throw GrpcError.notFound('switch_id', 'no such switch has been heard of');
      await registry.drain(switchId, draining);
      const command = sw.Command.fromPartial({
        commandId: uuidv7(),
        startByUs: nowUs() + BigInt(DRAIN_MS * 1000),
        traceparent: activeTraceparent(),
        body: { $case: 'drain', value: { draining } },
      });
      const data = sw.Command.encode(command).finish();
      const reply = await connection
        .request(switchCommandSubject(switchId), data, { timeout: DRAIN_MS })
        .catch((error: Error) => {
          throw GrpcError.unavailable('its agent does not answer; new sessions avoid it all the same', error);
        });
      const { status, message } = sw.CommandAck.decode(reply.data);
      const { ACCEPTED, DUPLICATE } = sw.CommandAck_Status;
      if (status !== ACCEPTED && status !== DUPLICATE)
        throw GrpcError.failedPrecondition(`its agent refused: ${message}`);
      return {};
    },
  };
}
