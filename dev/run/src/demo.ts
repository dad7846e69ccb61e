/** The demonstration's accounts, access numbers, trunks and rates. PINs are made for each run directory. */
export const DEMO_ACCOUNTS = [
  {
    number: '1001',
    country: 'PL',
    language: 'en',
    micros: 5_000_000n,
    callerIds: [{ number: '+48601000001', authorised: false }],
  },
  {
    number: '1002',
    country: 'PL',
    language: 'pl',
    micros: 5_000_000n,
    callerIds: [{ number: '+48601000002', authorised: false }],
  },
  {
    number: '1003',
    country: 'PL',
    language: 'en',
    micros: 0n,
    callerIds: [{ number: '+48601000003', authorised: true }],
  },
  {
    number: '1004',
    country: 'PL',
    language: 'en',
    micros: 20_000_000n,
    callerIds: [{ number: '+48601000004', authorised: true }],
  },
  {
    number: '1005',
    country: 'GB',
    language: 'en',
    micros: 5_000_000n,
    callerIds: [{ number: '+447911123456', authorised: true }],
  },
  {
    number: '1006',
    country: 'PL',
    language: 'pl',
    micros: 20_000_000n,
    callerIds: [{ number: '+48601000006', authorised: true }],
  },
] as const;

export const DEMO_CURRENCY = 'EUR';

export const DEMO_SPEED_DIALS = [
  { account: '1004', code: '1', number: '+442079460000' },
  { account: '1004', code: '22', number: '+48601000002' },
] as const;

export const DEMO_ACCESS_NUMBERS = [
  { number: '+48223000000', mode: 'callback', language: 'en', unknownCallers: 'refuse' },
  { number: '+48223000001', mode: 'callback', language: 'pl', unknownCallers: 'ask' },
  { number: '+48223000002', mode: 'direct', language: 'en', unknownCallers: 'ask' },
  { number: '+48223000003', mode: 'callback', language: 'en', unknownCallers: 'refuse', answerConfirmation: 'press1' },
  { number: '+48223000004', mode: 'callback', language: 'en', unknownCallers: 'ask' },
] as const;

/** Ranges that are nobody's friend: satellite and shared-cost numbers. */
export const DEMO_DENIED_RANGES = [
  { prefix: '+881', note: 'satellite' },
  { prefix: '+882', note: 'international networks' },
  { prefix: '+979', note: 'international premium rate' },
] as const;

/** Price per minute in EUR, increment in seconds, connect fee. */
export const DEMO_DECK_CSV = `prefix,destination,price,increment,connect_fee,blocked
+48,Poland,0.05,1,0,
+4860,Poland mobile,0.08,1,0,
+44,United Kingdom,0.12,1,0.01,
+447,United Kingdom mobile,0.24,60/1,0.01,
+49,Germany,0.10,30/6,0,
+1,United States and Canada,0.03,6,0,
+1900,Premium rate,0,1,0,yes
+371,Latvia,60,1,0,
`;
