import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { existsSync } from 'node:fs';
import { languages, type Message, Prompts, say, soundsDir, spokenText } from '@ringback/prompts';

const prompts = new Prompts();
const money = (amount: string, currency: string): Message => {
  const [whole = '', fraction = ''] = amount.replace('-', '').split('.');
  const micros = BigInt(whole + fraction.padEnd(6, '0'));
  return { id: 'balance', args: { amount: { micros: amount.startsWith('-') ? -micros : micros, currency } } };
};
const talk = (duration: number): Message => ({ id: 'max_duration', args: { duration } });
const atLeast = (duration: number): Message => ({ id: 'max_duration_at_least', args: { duration } });

const ENGLISH: [Message, string][] = [
  [money('5', 'EUR'), 'Your balance is five euros'],
  [money('0', 'EUR'), 'Your balance is zero euros'],
  [money('1', 'EUR'), 'Your balance is one euro'],
  [money('1.01', 'EUR'), 'Your balance is one euro and one cent'],
  [money('0.20', 'USD'), 'Your balance is twenty cents'],
  [money('-2.50', 'USD'), 'Your balance is minus two dollars and fifty cents'],
  [money('0.01', 'GBP'), 'Your balance is one penny'],
  [money('21.12', 'GBP'), 'Your balance is twenty-one pounds and twelve pence'],
  [money('101.02', 'PLN'), 'Your balance is one hundred and one zlotys and two groszy'],
  [money('1000', 'EUR'), 'Your balance is one thousand euros'],
  [money('1112', 'EUR'), 'Your balance is one thousand one hundred and twelve euros'],
  [money('2002.22', 'EUR'), 'Your balance is two thousand and two euros and twenty-two cents'],
  // Rounded down, below zero as well: nobody is told of more than there is.
  [money('4.999999', 'EUR'), 'Your balance is four euros and ninety-nine cents'],
  [money('0.009999', 'EUR'), 'Your balance is zero euros'],
  [money('-0.000001', 'EUR'), 'Your balance is minus one cent'],
  // No words for the currency: its letters.
  [money('12.05', 'CZK'), 'Your balance is twelve point zero five C Z K'],
  [money('12', 'CZK'), 'Your balance is twelve C Z K'],
  [talk(0), 'You can talk for zero seconds'],
  [talk(1), 'You can talk for one second'],
  [talk(59), 'You can talk for fifty-nine seconds'],
  [talk(60), 'You can talk for one minute'],
  [talk(119), 'You can talk for one minute'],
  [talk(1054), 'You can talk for seventeen minutes'],
  [talk(3600), 'You can talk for sixty minutes'],
  [atLeast(3600), 'Your credit lasts for at least sixty minutes'],
  [talk(3659), 'You can talk for sixty minutes'],
  [talk(5400), 'You can talk for ninety minutes'],
  [talk(7199), 'You can talk for one hundred and nineteen minutes'],
  [talk(7200), 'You can talk for two hours'],
  [talk(7319), 'You can talk for two hours one minute'],
  [{ id: 'wrong_pin', args: { tries: 2 } }, 'That PIN is wrong. You still have two tries.'],
  [{ id: 'wrong_pin', args: { tries: 1 } }, 'That PIN is wrong. You have one try left.'],
  [{ id: 'wrong_pin', args: { tries: 0 } }, 'That PIN is wrong.'],
  [{ id: 'end_code_hint', args: { code: '#11' } }, 'During a call, to end it and make another one, press hash one one'],
  [{ id: 'digits', args: { digits: '+48*05' } }, 'plus four eight star zero five'],
];

const POLISH: [Message, string][] = [
  [money('0', 'EUR'), 'Stan twojego konta: zero euro'],
  [money('1', 'EUR'), 'Stan twojego konta: jedno euro'],
  [money('2', 'EUR'), 'Stan twojego konta: dwa euro'],
  [money('5', 'EUR'), 'Stan twojego konta: pięć euro'],
  [money('12', 'EUR'), 'Stan twojego konta: dwanaście euro'],
  [money('13', 'EUR'), 'Stan twojego konta: trzynaście euro'],
  [money('14', 'EUR'), 'Stan twojego konta: czternaście euro'],
  [money('21', 'EUR'), 'Stan twojego konta: dwadzieścia jeden euro'],
  [money('22', 'EUR'), 'Stan twojego konta: dwadzieścia dwa euro'],
  [money('25', 'EUR'), 'Stan twojego konta: dwadzieścia pięć euro'],
  [money('101', 'EUR'), 'Stan twojego konta: sto jeden euro'],
  [money('102', 'EUR'), 'Stan twojego konta: sto dwa euro'],
  [money('112', 'EUR'), 'Stan twojego konta: sto dwanaście euro'],
  [money('1000', 'EUR'), 'Stan twojego konta: tysiąc euro'],
  [money('2002', 'EUR'), 'Stan twojego konta: dwa tysiące dwa euro'],
  [money('1', 'PLN'), 'Stan twojego konta: jeden złoty'],
  [money('2', 'PLN'), 'Stan twojego konta: dwa złote'],
  [money('5', 'PLN'), 'Stan twojego konta: pięć złotych'],
  [money('12', 'PLN'), 'Stan twojego konta: dwanaście złotych'],
  [money('13', 'PLN'), 'Stan twojego konta: trzynaście złotych'],
  [money('14', 'PLN'), 'Stan twojego konta: czternaście złotych'],
  [money('21', 'PLN'), 'Stan twojego konta: dwadzieścia jeden złotych'],
  [money('22', 'PLN'), 'Stan twojego konta: dwadzieścia dwa złote'],
  [money('25', 'PLN'), 'Stan twojego konta: dwadzieścia pięć złotych'],
  [money('101', 'PLN'), 'Stan twojego konta: sto jeden złotych'],
  [money('102', 'PLN'), 'Stan twojego konta: sto dwa złote'],
  [money('112', 'PLN'), 'Stan twojego konta: sto dwanaście złotych'],
  [money('122', 'PLN'), 'Stan twojego konta: sto dwadzieścia dwa złote'],
  [money('200', 'PLN'), 'Stan twojego konta: dwieście złotych'],
  [money('1000', 'PLN'), 'Stan twojego konta: tysiąc złotych'],
  [money('1001', 'PLN'), 'Stan twojego konta: tysiąc jeden złotych'],
  [money('2002', 'PLN'), 'Stan twojego konta: dwa tysiące dwa złote'],
  [money('5000', 'PLN'), 'Stan twojego konta: pięć tysięcy złotych'],
  [money('12000', 'PLN'), 'Stan twojego konta: dwanaście tysięcy złotych'],
  [money('22000', 'PLN'), 'Stan twojego konta: dwadzieścia dwa tysiące złotych'],
  [money('1000000', 'PLN'), 'Stan twojego konta: milion złotych'],
  [money('0.01', 'PLN'), 'Stan twojego konta: jeden grosz'],
  [money('0.02', 'PLN'), 'Stan twojego konta: dwa grosze'],
  [money('0.05', 'PLN'), 'Stan twojego konta: pięć groszy'],
  [money('0.12', 'PLN'), 'Stan twojego konta: dwanaście groszy'],
  [money('0.13', 'PLN'), 'Stan twojego konta: trzynaście groszy'],
  [money('0.14', 'PLN'), 'Stan twojego konta: czternaście groszy'],
  [money('0.21', 'PLN'), 'Stan twojego konta: dwadzieścia jeden groszy'],
  [money('0.25', 'PLN'), 'Stan twojego konta: dwadzieścia pięć groszy'],
  [money('0.22', 'PLN'), 'Stan twojego konta: dwadzieścia dwa grosze'],
  [money('3.04', 'EUR'), 'Stan twojego konta: trzy euro cztery centy'],
  [money('-1.21', 'USD'), 'Stan twojego konta: minus jeden dolar dwadzieścia jeden centów'],
  [money('2.02', 'USD'), 'Stan twojego konta: dwa dolary dwa centy'],
  [money('4.05', 'GBP'), 'Stan twojego konta: cztery funty pięć pensów'],
  [talk(1), 'Możliwy czas rozmowy: jedna sekunda'],
  [talk(2), 'Możliwy czas rozmowy: dwie sekundy'],
  [talk(59), 'Możliwy czas rozmowy: pięćdziesiąt dziewięć sekund'],
  [talk(60), 'Możliwy czas rozmowy: jedna minuta'],
  [talk(2 * 60), 'Możliwy czas rozmowy: dwie minuty'],
  [talk(5 * 60), 'Możliwy czas rozmowy: pięć minut'],
  [talk(12 * 60), 'Możliwy czas rozmowy: dwanaście minut'],
  [talk(1054), 'Możliwy czas rozmowy: siedemnaście minut'],
  [talk(21 * 60), 'Możliwy czas rozmowy: dwadzieścia jeden minut'],
  [talk(22 * 60), 'Możliwy czas rozmowy: dwadzieścia dwie minuty'],
  [talk(13 * 60), 'Możliwy czas rozmowy: trzynaście minut'],
  [talk(14 * 60), 'Możliwy czas rozmowy: czternaście minut'],
  [talk(25 * 60), 'Możliwy czas rozmowy: dwadzieścia pięć minut'],
  [talk(61 * 60), 'Możliwy czas rozmowy: sześćdziesiąt jeden minut'],
  [talk(101 * 60), 'Możliwy czas rozmowy: sto jeden minut'],
  [talk(102 * 60), 'Możliwy czas rozmowy: sto dwie minuty'],
  [talk(112 * 60), 'Możliwy czas rozmowy: sto dwanaście minut'],
  [talk(119 * 60 + 59), 'Możliwy czas rozmowy: sto dziewiętnaście minut'],
  [talk(121 * 60), 'Możliwy czas rozmowy: dwie godziny jedna minuta'],
  [talk(1000 * 60), 'Możliwy czas rozmowy: szesnaście godzin czterdzieści minut'],
  [talk(2002 * 60), 'Możliwy czas rozmowy: trzydzieści trzy godziny dwadzieścia dwie minuty'],
  [talk(1000 * 3600), 'Możliwy czas rozmowy: tysiąc godzin'],
  [talk(102 * 3600), 'Możliwy czas rozmowy: sto dwie godziny'],
  [atLeast(3600), 'Gwarantowany czas rozmowy: co najmniej sześćdziesiąt minut'],
  [talk(2 * 3600), 'Możliwy czas rozmowy: dwie godziny'],
  [talk(5 * 3600 + 60), 'Możliwy czas rozmowy: pięć godzin jedna minuta'],
  [talk(2002 * 3600), 'Możliwy czas rozmowy: dwa tysiące dwie godziny'],
  [{ id: 'wrong_pin', args: { tries: 2 } }, 'To nie jest właściwy PIN. Pozostały jeszcze dwie próby.'],
  [{ id: 'wrong_pin', args: { tries: 1 } }, 'To nie jest właściwy PIN. Pozostała jedna próba.'],
  [{ id: 'digits', args: { digits: '*1#' } }, 'gwiazdka jeden krzyżyk'],
];

for (const [lang, table] of [
  ['en', ENGLISH],
  ['pl', POLISH],
] as const) {
  describe(`${lang}: sentences`, () => {
    for (const [message, sentence] of table) {
      test(sentence, () => assert.equal(prompts.text(lang, message), sentence));
    }
  });
}

test('sounds are named relative to their directory, in the order in which they are played', () => {
  assert.deepEqual(prompts.say('pl', money('2002.05', 'PLN')), [
    'pl/your_balance_is',
    'pl/n2',
    'pl/thousand_few',
    'pl/n2',
    'pl/zloty_few',
    'pl/n5',
    'pl/grosz_many',
  ]);
});

test('what cannot be said is refused', () => {
  assert.throws(() => prompts.say('xx', { id: 'welcome' }), /no language "xx"/);
  assert.throws(() => prompts.say('en', talk(-1)), RangeError);
  assert.throws(() => prompts.say('en', talk(1.5)), RangeError);
  assert.throws(() => prompts.say('en', { id: 'digits', args: { digits: '12a' } }), RangeError);
});

test('the best language for a tag', () => {
  assert.equal(prompts.match('pl'), 'pl');
  assert.equal(prompts.match('pl-PL'), 'pl');
  assert.equal(prompts.match('EN-gb-oed'), 'en');
  assert.equal(prompts.match('plt'), undefined);
  assert.equal(prompts.match(''), undefined);
});

describe('the languages that come with Ringback', () => {
  test('are asked without ado', () => {
    assert.deepEqual(languages(), ['en', 'pl']);
    assert.deepEqual(say('pl-PL', talk(17)), ['pl/you_can_talk_for', 'pl/n17', 'pl/second_many']);
    assert.equal(spokenText('pl', say('pl', talk(17))), 'Możliwy czas rozmowy: siedemnaście sekund');
    assert.equal(spokenText('pl', ['n17', 'en/n17']), 'siedemnaście seventeen');
    for (const lang of languages()) assert.ok(existsSync(`${soundsDir}/${lang}/warning_one_minute.wav`));
  });

  test('a language that is not there is English', () => {
    for (const lang of ['tlh', '']) assert.deepEqual(say(lang, { id: 'goodbye' }), ['en/goodbye']);
  });

  test('what is no sound has no text', () => {
    assert.throws(() => spokenText('en', ['en/nothing']), /no sound "en\/nothing"/);
    assert.throws(() => spokenText('en', ['tlh/goodbye']), /no language "tlh"/);
  });
});
