import type { Pool, PoolClient } from '@ringback/service-kit';

export interface LockoutRules {
  tries: Record<Kind, number>;
  windowMs: number;
  lockMs: number;
}

type Kind = 'account' | 'caller' | 'access';

/** What a guess counts against. */
export interface Guess {
  account: string;
  /** Empty: hidden. */
  callerId: string;
  accessNumber: string;
}

const subjects = ({ account, callerId, accessNumber }: Guess): { kind: Kind; subject: string }[] =>
  (
    [
      ['account', account],
      ['caller', callerId],
      ['access', accessNumber],
    ] as const
  )
    .filter(([, id]) => id !== '')
    .map(([kind, id]) => ({ kind, subject: `${kind}:${id}` }));

/** Latest end of a lock-out that concerns this caller (epoch µs), or undefined. */
export async function lockedUntil(db: Pool | PoolClient, guess: Guess): Promise<bigint | undefined> {
  const { rows } = await db.query<{ until_us: bigint | null }>(
    `SELECT (extract(epoch FROM max(locked_until)) * 1000000)::int8 AS until_us
     FROM auth.lockout WHERE subject = ANY($1) AND locked_until > clock_timestamp()`,
    [subjects(guess).map(({ subject }) => subject)],
  );
  return rows[0]?.until_us ?? undefined;
}

/**
 * One guess at a time for an account and for a caller ID, until the transaction ends: of many guesses made at once, those
 * after the last allowed one must find the lock.
 */
export async function inTurn(client: PoolClient, { account, callerId }: Guess): Promise<void> {
  // In one order everywhere, so that two guesses cannot wait for each other.
  for (const { subject } of subjects({ account, callerId, accessNumber: '' })) {
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`ringback:auth:${subject}`]);
  }
}

/** Counts a wrong PIN against account, caller ID and access number; answers the end of a lock-out that follows. */
export async function countWrongPin(
  client: PoolClient,
  guess: Guess,
  rules: LockoutRules,
): Promise<bigint | undefined> {
  // In one order everywhere, so that two callers cannot wait for each other.
  for (const { kind, subject } of subjects(guess)) {
    await client.query(
      `INSERT INTO auth.lockout AS l (subject, failures, window_ends, locked_until)
       VALUES ($1, 1, clock_timestamp() + $2 * interval '1 ms', CASE WHEN $3 <= 1 THEN clock_timestamp() + $4 * interval '1 ms' END)
       ON CONFLICT (subject) DO UPDATE SET
         failures = CASE WHEN l.window_ends < clock_timestamp() THEN 1 ELSE l.failures + 1 END,
         window_ends = CASE WHEN l.window_ends < clock_timestamp() THEN excluded.window_ends ELSE l.window_ends END,
         locked_until = CASE
           WHEN (CASE WHEN l.window_ends < clock_timestamp() THEN 1 ELSE l.failures + 1 END) >= $3
             THEN clock_timestamp() + $4 * interval '1 ms'
           ELSE l.locked_until END`,
      [subject, rules.windowMs, rules.tries[kind], rules.lockMs],
    );
  }
  return lockedUntil(client, guess);
}

/** The right PIN: what was counted for the account and the caller ID is forgotten. */
export async function forgive(db: Pool | PoolClient, { account, callerId }: Guess): Promise<void> {
  const mine = subjects({ account, callerId, accessNumber: '' }).map(({ subject }) => subject);
  await db.query('DELETE FROM auth.lockout WHERE subject = ANY($1)', [mine]);
}
