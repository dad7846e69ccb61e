import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseDeck, rate } from '../src/index.ts';

const problems = (csv: string) =>
  parseDeck(csv, 'EUR').problems.map(({ row, column, message }) => `${row} ${column}: ${message}`);

describe('what is wrong is reported with row and column', () => {
  const cases: [what: string, csv: string, ...expected: RegExp[]][] = [
    ['nothing at all', '', /^1 : there is no header line/],
    ['no rows', 'prefix,price\n', /^1 : there are no rows/],
    ['a price that is none', 'prefix,price\n44,0.1\n48,zero\n', /^3 price: "zero" is not a decimal number/],
    ['too many decimals', 'prefix,price\n44,0.12345678\n', /^2 price: .* at most 7 decimals/],
    ['a negative price', 'prefix,price\n44,-1\n', /^2 price: "-1" is negative/],
    ['no price', 'prefix,price\n44,\n', /^2 price: is empty/],
    ['a prefix that is none', 'prefix,price\n+4x,1\n', /^2 prefix: "\+4x" is not 1 to 15 digits/],
    ['a national prefix', 'prefix,price\n0048,1\n', /^2 prefix: "0048" begins with 0/],
    ['an empty prefix', 'prefix,price\n,1\n', /^2 prefix: "" is not/],
    ['an increment of nothing', 'prefix,price,increment\n44,1,60/0\n', /^2 increment: .* never ends/],
    ['an increment of three', 'prefix,price,increment\n44,1,1/2/3\n', /^2 increment: .* like 60 or 30\/6/],
    ['a step without a beginning', 'prefix,steps\n44,30:1:1\n', /^2 steps: the first step must begin at second 0/],
    [
      'steps out of order',
      'prefix,steps\n44,0:1:1;60:1:1;60:2:1\n',
      /^2 steps: the step from second 60 does not come after/,
    ],
    ['steps and a price', 'prefix,price,steps\n44,1,0:1:1\n', /^2 steps: a row has either steps or a price/],
    ['a step of two parts', 'prefix,steps\n44,0:1\n', /^2 steps: "0:1" is not a step/],
    ['days', 'prefix,price,days\n44,1,mon-fry\n', /^2 days: "mon-fry" is not days like/],
    ['hours', 'prefix,price,hours\n44,1,8-18\n', /^2 hours: "8-18" is not hours like/],
    ['hours of nothing', 'prefix,price,hours\n44,1,08:00-08:00\n', /^2 hours: /],
    ['a date', 'prefix,price,valid_from\n44,1,2026-02-30\n', /^2 valid_from: "2026-02-30" is not a date/],
    [
      'dates the wrong way',
      'prefix,price,valid_from,valid_to\n44,1,2026-03-01,2026-03-01\n',
      /^2 valid_to: ends before it begins/,
    ],
    ['a percentage', 'prefix,price,tax_percent\n44,1,23 %\n', /^2 tax_percent: "23 %" is not a percentage/],
    ['minimum above maximum', 'prefix,price,min_cost,max_cost\n44,1,2,1\n', /^2 max_cost: is less than min_cost/],
    ['another currency', 'prefix,price,currency\n44,1,PLN\n', /^2 currency: "PLN" is not the deck's currency EUR/],
    ['blocked by a word', 'prefix,price,blocked\n44,1,maybe\n', /^2 blocked: "maybe" is neither yes nor no/],
    ['an unknown column', 'prefix,price,colour\n44,1,red\n', /^1 colour: no such column \(there are prefix, /],
    ['a column twice', 'prefix,price,price\n44,1,1\n', /^1 price: stands twice/],
    ['no prefix column', 'price\n1\n', /^1 prefix: is missing in the header/],
    ['too many cells', 'prefix,price\n44,1,2\n', /^2 : has 3 cells, the header 2/],
    ['a quote left open', 'prefix,price\n44,1\n48,"1\n', /^3 : a quote is opened and never closed/],
    ['an unknown setting', '@colour,red\nprefix,price\n44,1\n', /^1 @colour: no such setting/],
    ['a setting twice', '@decimals,2\n@decimals,2\nprefix,price\n44,1\n', /^2 @decimals: is set twice/],
    ['a time zone', '@time_zone,Warsaw\nprefix,price\n44,1\n', /^1 @time_zone: "Warsaw" is not a time zone/],
    ['rounding', '@rounding,sideways\nprefix,price\n44,1\n', /^1 @rounding: "sideways" is none of up, half_up/],
    ['decimals', '@decimals,7\nprefix,price\n44,1\n', /^1 @decimals: "7"/],
    ['duration', '@duration,x\nprefix,price\n44,1\n', /^1 @duration: "x" is none of up/],
    ['a currency that is none', '@currency,EURO\nprefix,price\n44,1\n', /^1 @currency: "EURO" is not an ISO 4217/],
    [
      'a currency that is not the deck’s',
      '@currency,PLN\nprefix,price\n44,1\n',
      /^1 @currency: "PLN" is not the deck's/,
    ],
    [
      'the same prefix twice',
      'prefix,price\n44,1\n48,1\n44,2\n',
      /^4 prefix: row 2 has prefix 44 too and is valid at the same time/,
    ],
    [
      'windows that overlap',
      'prefix,price,days,hours\n44,1,mon-fri,08:00-18:00\n44,2,fri-sun,17:00-20:00\n',
      /^3 prefix: row 2 .* \(Fri 17:00\): give one of them a higher priority/,
    ],
    ['all of them at once', 'prefix,price\n44,x\n48,y\n49,1\n0,2\n', /^2 price/, /^3 price/, /^5 prefix/],
  ];
  for (const [what, csv, ...expected] of cases) {
    test(what, () => {
      const found = problems(csv);
      assert.equal(found.length, expected.length, found.join('\n'));
      expected.forEach((pattern, index) => assert.match(found[index]!, pattern));
      assert.equal(parseDeck(csv, 'EUR').deck, undefined);
    });
  }
  test('a file without a currency, where none is known', () => {
    assert.deepEqual(parseDeck('prefix,price\n44,1\n').problems, [
      { row: 1, column: '@currency', message: 'is not set' },
    ]);
  });
});

test('what spreadsheets make of a file is read: byte order mark, CRLF, quotes, trailing commas, comments, empty lines', () => {
  const csv =
    '\uFEFF@currency,EUR,,\r\n# a comment, with a comma,,\r\n\r\nprefix,destination,price,days\r\n"44","Great ""Britain"",\r\nand more",0.1,"mon,tue"\r\n,,,\r\n44,rest,0.2,"wed-sun"\r\n';
  const { deck, problems: found, rows } = parseDeck(csv);
  assert.deepEqual(found, []);
  assert.equal(rows, 2);
  const monday = rate(deck!, '44', BigInt(Date.parse('2026-07-06T12:00:00Z')) * 1000n).curve!;
  assert.equal(monday.row.destination, 'Great "Britain",\r\nand more');
  assert.equal(monday.row.line, 5);
  assert.equal(monday.cost(60e6), 100_000n);
});

test('windows that touch, dates that miss a weekday, and other priorities do not overlap', () => {
  for (const csv of [
    'prefix,price,hours\n44,1,08:00-18:00\n44,2,18:00-08:00\n',
    'prefix,price,valid_to,valid_from\n44,1,2026-07-01,\n44,2,,2026-07-01\n',
    'prefix,price,days,valid_from,valid_to\n44,1,mon,,\n44,2,,2026-07-07,2026-07-09\n', // a Tuesday and a Wednesday
    'prefix,price,days,priority\n44,1,mon,1\n44,2,mon,2\n',
  ]) {
    assert.deepEqual(problems(csv), []);
  }
});

test('no text makes the reader throw', () => {
  const part = fc.constantFrom(
    '44',
    'prefix',
    ',',
    '\n',
    '"',
    'price',
    '@',
    '#',
    'steps',
    '0:1:1',
    ' ',
    ';',
    '-',
    '\r\n',
    'days',
    'mon',
    '*',
    '0.1',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 40 }).map((parts) => parts.join('')),
      ),
      (csv) => {
        const { deck, problems: found } = parseDeck(csv, 'EUR');
        assert.equal(deck === undefined, found.length > 0);
      },
    ),
    { numRuns: 2000, seed: Number(process.env.PROPERTY_SEED ?? 20_260_707) },
  );
});

test('the longest of 200,000 prefixes is found, as a plain search finds it', () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const prefixes = new Set<string>();
  while (prefixes.size < 100_000) {
    const length = 1 + random(9);
    let prefix = String(1 + random(9));
    while (prefix.length < length) prefix += random(10);
    prefixes.add(prefix);
  }
  const rows = [...prefixes].flatMap((prefix) => [
    `${prefix},0.${1 + random(99)},60/1,mon-fri,08:00-18:00`,
    `${prefix},0.${1 + random(99)},1,,`,
  ]);
  const { deck, problems: found } = parseDeck(`@currency,EUR\nprefix,price,increment,days,hours\n${rows.join('\n')}\n`);
  assert.deepEqual(found, []);
  assert.equal(deck!.rowCount, 200_000);
  for (let i = 0; i < 20_000; i++) {
    const number = String(1 + random(9)) + String(random(1e9)).padStart(9, '0');
    let longest = '';
    for (let length = 1; length <= number.length; length++) {
      if (prefixes.has(number.slice(0, length))) longest = number.slice(0, length);
    }
    assert.equal(rate(deck!, number, 0n).curve?.prefix, longest === '' ? undefined : longest);
  }
});
