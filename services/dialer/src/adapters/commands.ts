import { sw, switchCommandSubject } from '@ringback/contracts';
import type { Outcome } from '@ringback/durable';
import { errorType, type Sending, sending, traceparentOf } from '@ringback/service-kit';
import type { SessionEvent } from '../domain/events.ts';
import type { CommandBody, DialBody, Effect } from '../domain/model.ts';

const REPLY_MS = 2_000;
const RETRY_MS = 250;

type Headers = Parameters<Parameters<typeof sending>[1]>[0];

/** Requests on the bus that somebody answers, or nobody in time. */
export interface Requests {
  request(
    subject: string,
    data: Uint8Array,
    options: { timeout: number; headers: Headers },
  ): Promise<{ data: Uint8Array }>;
}

export interface SealingKey {
  keyId: string;
  publicKey: Buffer;
}

type Owed = {
  body: Extract<Effect, { do: 'command' }>;
  sessionId: string;
  shard: number;
  epoch: number;
  attempt: number;
};

/**
 * Tells a switch's agent a command. Only the agent's own word ends it: accepted (now or before), or refused. Silence, no
 * responder, an unavailable switch: again.
 */
export async function sendCommand(
  bus: Requests,
  { body: effect, sessionId, shard, epoch, attempt }: Owed,
  sealingKey: () => Promise<SealingKey>,
): Promise<Outcome<SessionEvent>> {
  const command = sw.Command.fromPartial({
    commandId: effect.commandId,
    sessionId,
    shard,
    epoch: BigInt(epoch),
    legId: effect.legId,
    legSeq: BigInt(effect.legSeq),
    startByUs: BigInt(effect.startByUs),
  });
  const subject = switchCommandSubject(effect.switchId);
  const sent: Sending = {
    name: `command ${effect.body.kind}`,
    subject,
    template: 'switch.{switch}.command',
    operation: 'request',
    traceparent: effect.traceparent,
    attributes: {
      'call.session_id': sessionId,
      'call.leg_id': effect.legId,
      'call.command_id': effect.commandId,
      'call.command': effect.body.kind,
      'call.attempt': attempt,
    },
  };
  const ack = await sending(sent, async (headers, span) => {
    try {
      command.traceparent = traceparentOf(span);
      command.body = await toBody(effect.body, sealingKey);
      const data = sw.Command.encode(command).finish();
      const reply = await bus.request(subject, data, { timeout: REPLY_MS, headers });
      const answered = sw.CommandAck.decode(reply.data);
      span.setAttribute('call.command_status', answered.status);
      return answered;
    } catch (error) {
      span.setAttribute('error.type', errorType(error));
      return undefined;
    }
  });
  // No responder, no answer in time, no connection, no sealing key yet: the command is still owed.
  if (!ack) return { done: false, retryAfterMs: RETRY_MS };
  const { CommandAck_Status: Status } = sw;
  switch (ack.status) {
    case Status.ACCEPTED:
    case Status.DUPLICATE:
      return { done: true };
    case Status.TOO_LATE:
      return { done: true, event: { type: 'command_refused', code: 'TOO_LATE', message: ack.message } };
    case Status.INVALID:
      return { done: true, event: { type: 'command_refused', code: 'INVALID', message: ack.message } };
    default:
      // STALE_EPOCH: our next commit will say so as well. UNAVAILABLE: the switch may come back before start_by.
      return { done: false, retryAfterMs: RETRY_MS * 2 };
  }
}

async function toBody(
  body: CommandBody,
  sealingKey: () => Promise<SealingKey>,
): Promise<NonNullable<sw.Command['body']>> {
  switch (body.kind) {
    case 'originate':
      return { $case: 'originate', value: { dial: dialOf(body.dial) } };
    case 'answer':
      return { $case: 'answer', value: { cutoffSeconds: body.cutoffSeconds } };
    case 'play': {
      const seal = body.sealFor === undefined ? undefined : { ...(await sealingKey()), account: body.sealFor };
      const collect = body.collect && sw.Collect.fromPartial({ ...body.collect, seal });
      return { $case: 'play', value: { prompts: body.prompts, collect } };
    }
    case 'bridge':
      return {
        $case: 'bridge',
        value: {
          bLegId: body.bLegId,
          dial: dialOf(body.dial),
          endCode: body.endCode,
          ringbackCountry: body.ringbackCountry,
        },
      };
    case 'hangup':
      return { $case: 'hangup', value: { cause: body.cause } };
    case 'setCutoff':
      return { $case: 'setCutoff', value: { atUs: BigInt(Math.round(body.atUs)) } };
    case 'warn':
      return { $case: 'warn', value: { prompt: body.prompt } };
    case 'probe':
      return { $case: 'probe', value: {} };
  }
}

const dialOf = ({ credentials, ...dial }: DialBody): sw.Dial => ({
  ...dial,
  credentials: credentials && {
    username: credentials.username,
    sealedPassword: Buffer.from(credentials.sealedPassword, 'base64'),
  },
});
