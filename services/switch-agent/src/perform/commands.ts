import { join } from 'node:path';
import { sw } from '@ringback/contracts';
import { EslError } from '@ringback/esl';
import { about, type SpanAttributes, withSpan } from '@ringback/service-kit';
import { bindEndCode, bridgeArgument, CUT_OFF, END_CODE_REALM, originateLine } from '../core/dial.ts';
import { q850Of } from '../core/causes.ts';
import type { Leg, Told } from '../core/leg.ts';
import { ringbackTone } from '../core/ringback.ts';
import { readTruth } from '../switch/truth.ts';
import type { CommandOf, Context } from './context.ts';
import { adopt, stateOf } from './known.ts';

type Kind = NonNullable<sw.Command['body']>['$case'];
type Perform<K extends Kind> = (context: Context, command: CommandOf<K>, leg: Leg) => Promise<void>;

const NO_CHANNEL = /no such channel|invalid session|cannot locate session/i;

/** How each command about a leg is performed. What comes of it is told by events. */
const PERFORM: { [K in Exclude<Kind, 'drain' | 'probe'>]: Perform<K> } = {
  async originate(context, command, leg) {
    const { esl, pacer, legs } = context;
    if (!context.unsent.has(command.commandId)) return; // sent before: never twice
    const credentialsOf = await context.gateways.nameFor(command.body.value.dial!);
    await pacer.turn();
    if (legs.get(leg.id)?.ended) return; // hung up while it waited
    if (tooLate(context, command)) return fail(context, command, 'TOO_LATE', 'its turn came after start_by', leg.id);
    const dial = command.body.value.dial!;
    const line = originateLine({
      legId: leg.id,
      dial,
      profile: context.profile,
      edge: context.nextEdge(),
      credentialsOf,
      traceparent: leg.traceparent,
    });
    const sending = esl.bgapi(line);
    context.unsent.delete(command.commandId);
    const { result } = await sending.catch((error: unknown) => {
      if (error instanceof EslError && error.code === 'not_connected') context.unsent.add(command.commandId);
      throw error;
    });
    result.then(
      (text) => originated(context, leg.id, text),
      () => undefined, // the connection went: the truth is read when it is back
    );
  },

  async answer({ esl, legs }, command, leg) {
    const seconds = command.body.value.cutoffSeconds;
    if (leg.answeredUs === 0) {
      legs.apply({
        leg: { ...leg, originCommand: command.commandId, cutoffSeconds: seconds, wantedRuntime: 0 },
        told: [],
      });
      // One write: the dialplan's limit for unanswered calls would end this one as well (recording x09e).
      const [, , answered] = await Promise.all([
        esl.api(`sched_del ${leg.id}`),
        esl.ask(`sched_hangup +${seconds} ${leg.id} ${CUT_OFF}`),
        esl.ask(`uuid_answer ${leg.id}`),
      ]);
      if (answered.startsWith('-')) throw new EslError('refused', 'the call could not be answered');
    }
    legs.tell(leg, [], [command.commandId]);
  },

  async play({ input, legs }, command, leg) {
    if (leg.bridge) throw new EslError('refused', 'the leg is in a bridge');
    if (legs.isPending(command.commandId)) await input.play(command, command.body.value);
  },

  async stopPlay({ input, legs }, command, leg) {
    await input.stop(leg.id);
    legs.tell(leg, [], [command.commandId]);
  },

  async bridge(context, command, leg) {
    const { esl, legs, pacer } = context;
    const { bLegId, dial, endCode, ringbackCountry } = command.body.value;
    if (!context.unsent.has(command.commandId)) return; // sent before: never twice
    const credentialsOf = await context.gateways.nameFor(dial!);
    await pacer.turn();
    const b = legs.get(bLegId);
    if (!b || b.ended) return;
    const a = legs.get(leg.id) ?? leg;
    if (a.ended || a.bridge) {
      return fail(context, command, a.ended ? 'UNKNOWN_LEG' : 'SWITCH_REFUSED', 'the leg cannot be bridged', bLegId);
    }
    if (tooLate(context, command)) return fail(context, command, 'TOO_LATE', 'its turn came after start_by', bLegId);
    await context.input.stop(a.id);
    legs.apply({ leg: { ...a, bridge: { commandId: command.commandId, legId: bLegId, endCode } }, told: [] });
    const argument = bridgeArgument({
      legId: bLegId,
      dial: dial!,
      profile: context.profile,
      edge: context.nextEdge(),
      credentialsOf,
      traceparent: b.traceparent,
    });
    // Sent together, performed in this order: each but the last is over at once, so that nothing nests.
    const steps = [
      esl.ask(`uuid_setvar ${a.id} continue_on_fail true`),
      esl.ask(`uuid_setvar ${a.id} hangup_after_bridge false`),
      // Inherited from A's originate otherwise: B's announcements would not be heard (recording x02).
      esl.ask(`uuid_setvar ${a.id} ignore_early_media false`),
      esl.ask(`uuid_setvar ${a.id} transfer_ringback ${ringbackTone(ringbackCountry)}`),
      ...(endCode === ''
        ? []
        : [
            esl.execute(a.id, 'bind_digit_action', bindEndCode(endCode)),
            esl.execute(a.id, 'digit_action_set_realm', END_CODE_REALM),
          ]),
      esl.execute(a.id, 'bridge', argument, command.commandId),
    ];
    context.unsent.delete(command.commandId);
    const failed = (await Promise.allSettled(steps)).find((result) => result.status === 'rejected');
    if (!failed) return;
    if (failed.reason instanceof EslError && failed.reason.code === 'not_connected') {
      context.unsent.add(command.commandId);
    }
    const now = legs.get(a.id);
    if (now?.bridge?.commandId === command.commandId) legs.apply({ leg: { ...now, bridge: undefined }, told: [] });
    throw failed.reason;
  },

  async hangup(context, command, leg) {
    const { esl, legs } = context;
    const { cause } = command.body.value;
    const answer = await esl.api(`uuid_kill ${leg.id} ${cause}`);
    // Between the order to dial and the channel: as soon as there is one.
    if (NO_CHANNEL.test(answer) && !leg.seen) context.killLater(leg.id, cause);
    legs.tell(leg, [], [command.commandId]);
  },

  async setCutoff({ esl, legs, taskAdded, switchNow }, command, leg) {
    // An epoch second, as the switch counts: it never fires more than that fraction early.
    const runtime = Number(command.body.value.atUs / 1_000_000n);
    const cutoffAtUs = runtime * 1_000_000;
    legs.apply({ leg: { ...leg, wantedRuntime: runtime }, told: [] });
    const added = taskAdded(leg.id, runtime);
    await esl.ask(`sched_hangup ${runtime} ${leg.id} ${CUT_OFF}`);
    const id = await added;
    if (id === undefined) throw new EslError('refused', 'the switch did not confirm the new cut-off');
    const now = legs.get(leg.id) ?? leg;
    await Promise.all(now.tasks.filter((task) => task.id !== id).map((task) => esl.api(`sched_del ${task.id}`)));
    const after = legs.get(leg.id) ?? now;
    if (after.ended) return;
    legs.apply(
      {
        leg: { ...after, cutoffAtUs, tasks: after.tasks.filter((task) => task.id === id) },
        told: [
          {
            legId: leg.id,
            atUs: switchNow(),
            commandId: command.commandId,
            body: { $case: 'cutoffSet', value: { cutoffAtUs: BigInt(cutoffAtUs) } },
          },
        ],
      },
      [command.commandId],
    );
  },

  async warn({ esl, legs, promptsDir }, command, leg) {
    const answer = await esl.api(
      `uuid_displace ${leg.id} start ${join(promptsDir, command.body.value.prompt)}.wav 0 mux`,
    );
    if (answer.startsWith('-')) throw new EslError('refused', answer.replace(/^-\w+:?\s*/, ''));
    legs.tell(leg, [], [command.commandId]);
  },
};

/** Performs one command about a leg. Never throws; what cannot be done is told. */
export async function perform(context: Context, command: sw.Command): Promise<void> {
  const { body, legId, sessionId, commandId } = command;
  if (!body || body.$case === 'drain' || !context.legs.isPending(commandId)) return;
  const attributes: SpanAttributes = {
    'call.session_id': sessionId,
    'call.leg_id': legId,
    'call.command_id': commandId,
    'call.command': body.$case,
  };
  try {
    await withSpan(`switch ${body.$case}`, command.traceparent, attributes, async () => {
      if (body.$case === 'probe') return probe(context, command);
      const leg = context.legs.get(legId) ?? (await adopt(context, command));
      if (!leg || leg.ended) return fail(context, command, 'UNKNOWN_LEG', 'there is no such leg', target(command));
      await (PERFORM[body.$case] as Perform<Kind>)(context, command as CommandOf<Kind>, leg);
    });
  } catch (error) {
    onError(context, command, error);
  }
}

function onError(context: Context, command: sw.Command, error: unknown): void {
  const { log } = context;
  const fields = {
    err: error,
    leg_id: command.legId,
    command_id: command.commandId,
    ...about(command.sessionId, command.traceparent),
  };
  if (error instanceof EslError && /^(disconnected|not_connected|auth)$/.test(error.code)) {
    log.warn(fields, 'the switch went away before a command was done; it is looked into when it is back');
    return;
  }
  log.warn(fields, 'a command failed');
  const known = error instanceof EslError;
  const message = error instanceof Error ? error.message : String(error);
  const code = !known ? 'INTERNAL' : NO_CHANNEL.test(message) ? 'UNKNOWN_LEG' : 'SWITCH_REFUSED';
  fail(context, command, code, message, target(command));
}

/** The leg whose fate a failed command decides: B of a bridge. */
const target = ({ body, legId }: sw.Command): string => (body?.$case === 'bridge' ? body.value.bLegId : legId);

/** Tells that a command was not performed; a leg that was never begun is over with it. */
export function fail(context: Context, command: sw.Command, code: string, message: string, legId: string): void {
  const { legs } = context;
  context.unsent.delete(command.commandId);
  if (!legs.isPending(command.commandId)) return;
  const told = [
    {
      legId,
      atUs: context.switchNow(),
      commandId: command.commandId,
      body: { $case: 'commandFailed' as const, value: { code, message } },
    },
  ];
  const leg = legs.get(legId);
  const begins = leg && !leg.ended && !leg.seen && leg.originCommand === command.commandId;
  if (begins) legs.apply({ leg: { ...leg, ended: true, touchedUs: context.nowUs() }, told }, [command.commandId]);
  else legs.tell(leg ?? command, told, [command.commandId]);
}

const tooLate = ({ nowUs }: Context, { startByUs }: sw.Command): boolean =>
  startByUs > 0n && Number(startByUs) < nowUs();

/** The end of a leg that never had a channel. */
export function ended(leg: Leg, cause: string, atUs: number): { leg: Leg; told: Told[] } {
  const value = sw.LegEnded.fromPartial({ cause, q850: q850Of(cause), endedAtUs: BigInt(Math.round(atUs)) });
  return {
    leg: { ...leg, ended: true, touchedUs: atUs },
    told: [{ legId: leg.id, atUs, commandId: leg.originCommand, body: { $case: 'ended', value } }],
  };
}

/** The job of an `originate` ended. Where there was a channel, its own events tell. */
function originated(context: Context, legId: string, text: string): void {
  const leg = context.legs.get(legId);
  if (!leg || leg.ended || leg.seen || !text.startsWith('-')) return;
  const cause = /^-ERR ([A-Z][A-Z0-9_]+)$/.exec(text)?.[1] ?? 'NORMAL_TEMPORARY_FAILURE';
  context.legs.apply(ended(leg, cause, context.switchNow()), [leg.originCommand]);
}

async function probe(context: Context, command: sw.Command): Promise<void> {
  const { legs, esl, switchNow } = context;
  const { legId, commandId } = command;
  const truth = readTruth(await esl.api(`uuid_dump ${legId}`));
  const tell = (value: sw.LegState): void =>
    legs.tell(legs.get(legId) ?? command, [state(legId, switchNow(), commandId, value)], [commandId]);
  const leg = legs.get(legId);
  const begins = leg && !leg.ended && !leg.seen && legs.isPending(leg.originCommand);
  if (begins || (truth && !truth.ending)) return tell(stateOf(leg, truth));
  // Its end is being told at this moment, or was missed.
  if (leg && !leg.ended) await context.endOf(legId);
  tell(
    sw.LegState.fromPartial({ state: sw.LegState_State.GONE, answeredAtUs: BigInt(legs.get(legId)?.answeredUs ?? 0) }),
  );
}

const state = (legId: string, atUs: number, commandId: string, value: sw.LegState) => ({
  legId,
  atUs,
  commandId,
  body: { $case: 'legState' as const, value },
});
