import fc from 'fast-check';
import { plainRow, type RefDeck, refDeck, type RefRow, type RefStep } from './reference.ts';

/** What is hard in each time zone: changes of clocks, window borders, midnights, the end of the year. */
const AROUND: Record<string, string[]> = {
  UTC: ['2026-07-07T18:00:00Z', '2026-07-07T00:00:00Z', '2026-12-31T23:59:59Z', '2026-07-07T02:15:00Z'],
  'Europe/Warsaw': [
    '2026-03-29T01:00:00Z', // 02:00 → 03:00
    '2026-10-25T01:00:00Z', // 03:00 → 02:00
    '2026-07-07T16:00:00Z', // 18:00
    '2026-07-06T22:00:00Z', // midnight
  ],
  'America/New_York': ['2026-11-01T06:00:00Z', '2026-03-08T07:00:00Z', '2026-07-07T04:00:00Z'],
  'Asia/Kathmandu': ['2026-07-07T12:15:00Z', '2026-07-06T18:15:00Z'],
  'Australia/Lord_Howe': ['2026-04-04T15:00:00Z', '2026-10-03T15:30:00Z'], // by half an hour
};

export const startUs = (timeZone: string): fc.Arbitrary<bigint> =>
  fc
    .tuple(
      fc.constantFrom(...AROUND[timeZone]!),
      fc.oneof(fc.bigInt(-90n, 30n), fc.bigInt(-900n, 900n), fc.bigInt(-100_000n, 100_000n)),
      fc.oneof(fc.constantFrom(0n, 1n, -1n, 500n, -500n, 500_000n, 999_999n), fc.bigInt(0n, 999_999n)),
    )
    .map(([at, seconds, us]) => BigInt(Date.parse(at)) * 1000n + seconds * 1_000_000n + us);

export const price = fc.oneof(
  fc.constantFrom('0.10', '0.0012345', '0.05', '0', '0.0000001', '0.3333333', '12.5'),
  fc.integer({ min: 0, max: 99_999_999 }).map((n) => (n / 1e7).toFixed(7)),
);

const optional = <T>(arbitrary: fc.Arbitrary<T>, otherwise: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary });

const steps = (inMs: boolean): fc.Arbitrary<RefStep[]> => {
  const increment = inMs
    ? fc.constantFrom('0.1', '0.5', '1', '6', '2.5')
    : fc.constantFrom('1', '6', '7', '30', '60', '90');
  const from = inMs ? fc.constantFrom('0.7', '3', '10.1') : fc.constantFrom('1', '30', '45', '60', '100', '600');
  return fc
    .tuple(fc.tuple(price, increment), fc.array(fc.tuple(from, price, increment), { maxLength: 2 }))
    .map(([[firstPrice, firstIncrement], more]) => [
      { from: '0', price: firstPrice, increment: firstIncrement },
      ...more
        .map(([at, each, size]) => ({ from: at, price: each, increment: size }))
        .filter((step, index, all) => all.findIndex(({ from: other }) => other === step.from) === index)
        .sort((a, b) => Number(a.from) - Number(b.from)),
    ]);
};

const cents = fc.constantFrom('0.01', '0.05', '0.2', '1', '3.75');

const row = (prefix: string, priority: number, inMs: boolean): fc.Arbitrary<RefRow> =>
  fc
    .record({
      steps: steps(inMs),
      connectFee: optional(cents, ''),
      free: optional(inMs ? fc.constantFrom('0.2', '3') : fc.constantFrom('5', '30', '61'), ''),
      grace: optional(inMs ? fc.constantFrom('0.3', '2') : fc.constantFrom('3', '10'), ''),
      min: optional(fc.constantFrom('0.02', '0.4'), ''),
      max: optional(fc.constantFrom('0.5', '2', '100'), ''),
      surcharge: optional(fc.constantFrom('5', '2.5', '0.1234'), ''),
      tax: optional(fc.constantFrom('23', '7.7'), ''),
      days:
        priority === 0
          ? fc.constant<number[]>([])
          : optional<number[]>(fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 }), []),
      hours:
        priority === 0
          ? fc.constant('')
          : fc.constantFrom(
              '',
              '08:00-18:00',
              '02:30-03:00',
              '00:00-02:15',
              '01:45-02:05',
              '03:05-04:00',
              '18:00-24:00',
              '23:59-24:00',
            ),
      validFrom: priority === 0 ? fc.constant('') : optional(fc.constantFrom('2026-07-07', '2026-03-29'), ''),
      validTo: priority === 0 ? fc.constant('') : optional(fc.constantFrom('2026-07-08', '2026-10-26'), ''),
      blocked: priority === 0 ? fc.constant(false) : fc.nat(9).map((n) => n === 0),
    })
    .map((fields) => ({ ...fields, prefix, priority }));

/** Decks with up to three rows a prefix, each of another priority, usually with a fallback. */
export const deck: fc.Arbitrary<RefDeck> = fc
  .constantFrom('up', 'half_up', 'milliseconds')
  .chain((duration) => {
    const inMs = duration === 'milliseconds';
    const rowsOf = (prefix: string): fc.Arbitrary<RefRow[]> =>
      fc
        .tuple(
          ...[0, 1, 2].map((priority) =>
            fc.option(row(prefix, priority, inMs), { freq: priority === 0 ? 9 : 1, nil: undefined }),
          ),
        )
        .map((rows) => rows.filter((each) => each !== undefined));
    return fc.record({
      timeZone: fc.constantFrom(...Object.keys(AROUND)),
      rounding: fc.constantFrom('up', 'half_up', 'half_even', 'down'),
      decimals: fc.constantFrom(6, 4, 2),
      duration: fc.constant(duration),
      rows: fc.tuple(rowsOf('44'), rowsOf('4420')).map((groups) => groups.flat()),
    });
  })
  .filter(({ rows }) => rows.length > 0)
  // A validity that ends before it begins is refused by the reader, and tested there.
  .map((each) => ({
    ...each,
    rows: each.rows.map((one) => (one.validTo !== '' && one.validFrom >= one.validTo ? { ...one, validTo: '' } : one)),
  }));

/** Up to a quarter of an hour (a minute where ticks are small), often near whole seconds. */
export const durationUs = (inMs: boolean): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.bigInt(0n, inMs ? 60_000_000n : 900_000_000n),
    fc
      .tuple(fc.bigInt(0n, inMs ? 60n : 900n), fc.constantFrom(-1n, 0n, 1n, 499_999n, 500_000n))
      .map(([s, off]) => (s * 1_000_000n + off < 0n ? 0n : s * 1_000_000n + off)),
  );

/** Two prices, one of them in a window that begins, ends or is skipped close to the call. */
export const borderCall: fc.Arbitrary<{ deck: RefDeck; start: bigint; duration: bigint }> = fc
  .record({
    place: fc.constantFrom(
      ['Europe/Warsaw', '2026-03-29T01:00:00Z', '00:00-02:15'],
      ['Europe/Warsaw', '2026-03-29T01:00:00Z', '03:00-03:01'],
      ['Europe/Warsaw', '2026-03-29T01:00:00Z', '02:30-03:05'],
      ['Europe/Warsaw', '2026-10-25T01:00:00Z', '00:00-02:02'],
      ['Europe/Warsaw', '2026-10-25T01:00:00Z', '02:59-03:00'],
      ['America/New_York', '2026-03-08T07:00:00Z', '01:00-02:05'],
      ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', '01:35-02:00'],
      ['UTC', '2026-07-07T18:00:00Z', '08:00-18:00'],
      ['Asia/Kathmandu', '2026-07-06T18:15:00Z', '23:59-24:00'],
    ) as fc.Arbitrary<[string, string, string]>,
    increment: fc.constantFrom('1', '7', '10', '60'),
    free: fc.constantFrom('', '10', '60'),
    seconds: fc.oneof(fc.bigInt(-70n, 5n), fc.constantFrom(-10n, -60n, -70n)),
    us: fc.constantFrom(0n, 1n, -1n, 300n, -300n, 300_000n, -300_000n),
    duration: fc.bigInt(1n, 300_000_000n),
  })
  .map(({ place: [timeZone, border, hours], increment, free, seconds, us, duration }) => ({
    deck: refDeck(
      [
        plainRow('44', '0.06', increment, { priority: 0, free }),
        plainRow('44', '0.60', increment, { priority: 1, hours, free }),
        // On another day's row the price is another one: dates are borders as well.
        plainRow('44', '6', increment, {
          priority: 2,
          validFrom: '2026-07-07',
          validTo: '2026-07-08',
          hours: '00:00-12:00',
          free,
        }),
      ],
      { timeZone },
    ),
    start: BigInt(Date.parse(border)) * 1000n + seconds * 1_000_000n + us,
    duration,
  }));
