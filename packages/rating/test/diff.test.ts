import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Deck, diffDecks, parseDeck } from '@ringback/rating';
import fc from 'fast-check';

function deck(rows: readonly string[], settings = '@currency,EUR\n'): Deck {
  const { deck: parsed, problems } = parseDeck(
    `${settings}prefix,destination,price,increment,steps,connect_fee,days,hours,valid_from,valid_to,priority,tax_percent,blocked\n${rows.join('\n')}\n`,
  );
  assert.deepEqual(problems, []);
  return parsed!;
}

const UK = '44,United Kingdom,0.05,30/6,,,,,,,,,';
const DAY = '4420,London,0.12,60,,0.02,mon-fri,08:00-18:00,,,,,';
const XMAS = '4420,London,0.03,60,,,,,2026-12-25,2026-12-27,5,,';
const ALL = [UK, DAY, XMAS];

describe('two versions', () => {
  test('that say the same in another order and spelling do not differ', () => {
    const spelled = [
      '+44,United Kingdom,,,0:0.050:30; 30:0.05:6,,,,,,,,',
      XMAS,
      DAY.replace('mon-fri', 'mon tue wed thu fri'),
    ];
    assert.deepEqual(diffDecks(deck(ALL), deck(spelled)), { settings: [], rows: [], unchanged: 3 });
  });

  const change = (before: string[], after: string[]) => diffDecks(deck(before), deck(after)).rows;

  test('a row more, and a row less', () => {
    const place = { prefix: '4420', destination: 'London', when: 'from 2026-12-25 to 2026-12-27 priority 5' };
    const words = '0.03 a minute by 60 s';
    assert.deepEqual(change([UK, DAY], ALL), [{ change: 'added', ...place, before: '', after: words }]);
    assert.deepEqual(change(ALL, [UK, DAY]), [{ change: 'removed', ...place, before: words, after: '' }]);
  });

  test('another price, fee or tax; blocked', () => {
    assert.deepEqual(change([DAY], [DAY.replace('0.12,60,,0.02', '0.13,60/1,,0.025').replace(',,,,,', ',,,,23,')]), [
      {
        change: 'changed',
        prefix: '4420',
        destination: 'London',
        when: 'mon-fri 08:00-18:00',
        before: '0.12 a minute by 60 s, connect fee 0.02',
        after: '0.13 a minute by 60 s; from 60 s 0.13 a minute by 1 s, connect fee 0.025, tax 23 %',
      },
    ]);
    const [blocked] = change([UK], ['44,United Kingdom,,,,,,,,,,,yes']);
    assert.equal(blocked?.after, 'blocked');
  });

  test('other times are another row', () => {
    const changes = change([DAY], [DAY.replace('18:00', '19:00')]).map(({ change: what, when }) => [what, when]);
    assert.deepEqual(changes, [
      ['removed', 'mon-fri 08:00-18:00'],
      ['added', 'mon-fri 08:00-19:00'],
    ]);
  });

  test('settings', () => {
    const { settings } = diffDecks(deck(ALL), deck(ALL, '@currency,EUR\n@rounding,up\n@decimals,2\n'));
    assert.deepEqual(settings, [
      { name: 'rounding', before: 'half_up', after: 'up' },
      { name: 'decimals', before: '6', after: '2' },
    ]);
  });
});

test('every row is counted once: added, removed, changed, or as before', () => {
  const prices = fc.dictionary(fc.stringMatching(/^[1-9]\d{0,3}$/), fc.integer({ min: 0, max: 3 }), {
    minKeys: 1,
    noNullPrototype: true,
  });
  const made = (rows: Record<string, number>): Deck =>
    deck(Object.entries(rows).map(([prefix, price]) => `${prefix},,0.0${price},,,,,,,,,,`));
  fc.assert(
    fc.property(prices, prices, (before, after) => {
      const { rows, unchanged } = diffDecks(made(before), made(after));
      const told = new Map(rows.map(({ prefix, change }) => [prefix, change]));
      assert.equal(told.size, rows.length);
      for (const prefix of new Set([...Object.keys(before), ...Object.keys(after)])) {
        const [was, is] = [before[prefix], after[prefix]];
        const expected =
          was === is ? undefined : was === undefined ? 'added' : is === undefined ? 'removed' : 'changed';
        assert.equal(told.get(prefix), expected);
      }
      const same = Object.keys(after).filter((prefix) => before[prefix] === after[prefix]);
      assert.equal(unchanged, same.length);
    }),
    { seed: 20_261_123 },
  );
});
