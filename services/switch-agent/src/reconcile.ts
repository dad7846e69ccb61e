import { type Leg, lose, onFact, type Turn } from './core/leg.ts';
import type { LegBook } from './legs.ts';
import { stateOf } from './perform/known.ts';
import type { Esl } from './switch/traced-esl.ts';
import { readTruth, type Truth } from './switch/truth.ts';

export interface ReconcileOptions {
  esl: Esl;
  legs: LegBook;
  /** Core-UUID of the switch that answers now. */
  core: string;
  /** Last moment at which the switch is known to have lived. */
  lastAliveUs: number;
  nowUs: () => number;
  /** The command was never sent to the switch. */
  unsent: (commandId: string) => boolean;
  /** Takes in CDR files. */
  sweep: () => Promise<void>;
  apply: (turn: Turn, done: readonly string[]) => void;
  offered: (legId: string, offer: NonNullable<Truth['offer']>) => void;
}

/**
 * Brings what the journal knows up to what the switch knows. Each live leg is asked for by itself (`show channels` lags
 * behind); what the switch does not know ended unseen, was never begun for certain, or died with an earlier switch.
 */
export async function readAll(options: ReconcileOptions): Promise<void> {
  const { esl, legs } = options;
  const live = legs.live();
  const truths = new Map(
    await Promise.all(
      live.map(
        async ({ id }): Promise<[string, Truth | undefined]> => [id, readTruth(await esl.api(`uuid_dump ${id}`))],
      ),
    ),
  );
  const gone = live.filter(({ id }) => truths.get(id) === undefined);
  // A CDR file is written just before the channel goes.
  if (gone.length > 0) await options.sweep();
  for (const { id } of gone) missing(options, legs.get(id));
  for (const { id } of live) {
    const truth = truths.get(id);
    if (truth) present(options, legs.get(id), truth);
  }
  await newcomers(options);
}

function missing({ legs, unsent, apply, lastAliveUs }: ReconcileOptions, leg: Leg | undefined): void {
  if (!leg || leg.ended) return;
  const owed = !leg.seen && legs.isPending(leg.originCommand);
  // It waits for its turn, in this process.
  if (owed && unsent(leg.originCommand)) return;
  apply(lose(leg, owed ? leg.touchedUs : lastAliveUs, !leg.seen), [leg.originCommand]);
}

function present({ legs, core, nowUs, apply }: ReconcileOptions, known: Leg | undefined, truth: Truth): void {
  let leg = known;
  if (!leg || leg.ended) return;
  const { id: legId } = leg;
  const see = (turn: Turn, done: readonly string[] = []): void => {
    apply(turn, done);
    leg = legs.get(legId);
  };
  see(onFact(leg, { is: 'created', legId, atUs: truth.createdUs, core }), [leg.originCommand]);
  if (truth.ending) return; // its end is told in a moment
  if (leg && truth.answered) see(onFact(leg, { is: 'answered', legId, atUs: truth.answeredUs || nowUs() }));
  // What has become of B is known by now.
  if (leg?.bridge && legs.get(leg.bridge.legId)?.ended !== false) {
    const atUs = nowUs();
    const end = {
      cause: 'NORMAL_TEMPORARY_FAILURE',
      q850: 41,
      sipStatus: 0,
      disposition: '',
      createdUs: 0,
      progressUs: 0,
      answeredUs: 0,
      endedUs: atUs,
    };
    const { commandId } = leg.bridge;
    see(onFact(leg, { is: 'executed', legId, atUs, app: 'bridge', commandId, played: false, alive: true, end }), [
      commandId,
    ]);
  } else if (leg && !leg.bridge && truth.parked && truth.answered && leg.origin === 'originate') {
    see(onFact(leg, { is: 'parked', legId, atUs: nowUs(), offer: undefined }));
  }
  if (leg) {
    const body = { $case: 'legState' as const, value: stateOf(leg, truth) };
    legs.tell(leg, [{ legId, atUs: nowUs(), commandId: '', body }]);
  }
}

/** Calls that came in while nobody looked and ring still. One that comes this moment is told by its event. */
async function newcomers({ esl, legs, offered }: ReconcileOptions): Promise<void> {
  const text = await esl.api('show channels as json');
  const rows = (JSON.parse(text) as { rows?: { uuid?: string; direction?: string }[] }).rows ?? [];
  for (const { uuid = '', direction } of rows) {
    if (direction !== 'inbound' || legs.get(uuid)) continue;
    const truth = readTruth(await esl.api(`uuid_dump ${uuid}`));
    if (truth?.offer && truth.parked && !truth.ending && !legs.get(uuid)) offered(uuid, truth.offer);
  }
}
