import { dialer } from '@ringback/contracts';
import { ACCESS } from './call-plan.ts';

export const WARNING = 'en/warning_one_minute';

const usual: Omit<dialer.AccessNumber, 'number'> = {
  mode: 'callback',
  language: 'en',
  unknownCallers: 'refuse',
  ringTimeMs: 12_000,
  ringCycleMs: 5_000,
  ringCycles: 2.4,
  rejectCode: 486,
  callbackDelayMs: 4_000,
  answerConfirmation: 'none',
  endCode: '#11',
  busyRetrySeconds: [10, 30],
  noAnswerRetrySeconds: [30],
  coolDownSeconds: 5,
  shownCallerId: '',
  answerTimeoutSeconds: 30,
  callBackAfterSwitchLoss: true,
};

export const accessNumbers = (): Map<string, dialer.AccessNumber> =>
  new Map(
    [
      { ...usual, number: ACCESS.usual },
      { ...usual, number: ACCESS.press1, answerConfirmation: 'press1' },
      { ...usual, number: ACCESS.direct, mode: 'direct' },
      { ...usual, number: ACCESS.strangers, unknownCallers: 'ask' },
    ].map((number) => [number.number, number]),
  );

const trunk = (id: string, priority: number): dialer.Trunk => ({
  id,
  sources: ['192.0.2.1'],
  gateway: `${id}.example:5060`,
  trusted: true,
  country: 'PL',
  identity: 'from',
  numberFormat: 'e164plus',
  prefixes: [],
  priority,
  callsPerSecond: 0,
  forwardCallerId: true,
  disabled: false,
  username: '',
  password: '',
  sealedPassword: Buffer.alloc(0),
  registrar: '',
  registerSeconds: 600,
});

export const TRUNKS = [trunk('carrier', 0), trunk('other', 1)];
