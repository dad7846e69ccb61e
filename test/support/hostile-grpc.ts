import { auth, billing, dialer } from '@ringback/contracts';

const A = auth.AccountServiceClient.prototype;
const Q = auth.AuthServiceClient.prototype;
const L = billing.LedgerServiceClient.prototype;
const M = billing.BillingServiceClient.prototype;
const D = billing.DeckServiceClient.prototype;
const R = dialer.RoutingServiceClient.prototype;
const S = dialer.SessionServiceClient.prototype;
const P = dialer.ParkedEventServiceClient.prototype;
const W = dialer.SwitchServiceClient.prototype;

const MESSAGES: Record<string, object> = { auth, billing, dialer };

/** Services by the key of their address in endpoints.json. */
export const CLIENTS = new Map<object, { service: string; Client: new (...args: never[]) => { close(): void } }>([
  [A, { service: 'auth', Client: auth.AccountServiceClient }],
  [Q, { service: 'auth', Client: auth.AuthServiceClient }],
  [L, { service: 'billing', Client: billing.LedgerServiceClient }],
  [M, { service: 'billing', Client: billing.BillingServiceClient }],
  [D, { service: 'billing', Client: billing.DeckServiceClient }],
  [R, { service: 'dialer', Client: dialer.RoutingServiceClient }],
  [S, { service: 'dialer', Client: dialer.SessionServiceClient }],
  [P, { service: 'dialer', Client: dialer.ParkedEventServiceClient }],
  [W, { service: 'dialer', Client: dialer.SwitchServiceClient }],
]);

export interface BadRequest {
  of: object;
  method: string;
  request: Record<string, unknown>;
  /** What the answer has to name. */
  field: string;
  code: 'INVALID_ARGUMENT' | 'NOT_FOUND' | 'ALREADY_EXISTS';
}

type Row = [request: Record<string, unknown>, field: string, code?: BadRequest['code']];

const NUMBER = '+48601000004';
const ACCESS = '+48223000000';
const NUL = 'a\u0000b';
const rows = (of: object, method: string, ...all: Row[]): BadRequest[] =>
  all.map(([request, field, code = 'INVALID_ARGUMENT']) => ({ of, method, request, field, code }));

const pin = (over: Record<string, unknown>): Record<string, unknown> => ({
  requestId: 'r',
  accountNumber: '1001',
  keyId: 'k',
  ephemeralPublicKey: Buffer.alloc(32),
  ciphertext: Buffer.alloc(80),
  sessionId: 's',
  legId: 'l',
  commandId: 'c',
  callerId: NUMBER,
  accessNumber: ACCESS,
  ...over,
});
const leg = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  legId: 'bad-leg',
  number: NUMBER,
  startAtUs: 1_790_000_000_000_000n,
  ...over,
});
const reserve = (over: Record<string, unknown>): Record<string, unknown> => ({
  requestId: 'bad',
  sessionId: 'bad',
  payer: { $case: 'accountNumber', value: '1004' },
  legs: [leg()],
  capUs: 60_000_000n,
  shard: 1,
  epoch: 1n,
  atUs: 1_790_000_000_000_000n,
  ...over,
});
const cdr = (over: Record<string, unknown>): Record<string, unknown> => ({
  requestId: 'bad',
  cdr: { legId: 'bad-leg', sessionId: 'bad', role: 'b', result: 'busy', createdAtUs: 1n, endedAtUs: 2n, ...over },
  number: NUMBER,
});
const topUp = (over: Record<string, unknown>): Record<string, unknown> => ({
  requestId: 'bad',
  accountNumber: '1004',
  amount: { micros: 1_000_000n, currency: 'EUR' },
  ...over,
});
const access = (over: Record<string, unknown>): Record<string, unknown> => ({
  accessNumber: { number: '+48223999999', ...over },
});
const trunk = (over: Record<string, unknown>): Record<string, unknown> => ({
  trunk: { id: 'bad', sources: ['127.0.9.9'], ...over },
});

/** Requests that make no sense, and what the refusal has to name. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  ...rows(
    A,
    'createAccount',
    [{ number: '12', pin: '1234' }, 'number'],
    [{ number: 'abcdef', pin: '1234' }, 'number'],
    [{ number: '1001', pin: '123456' }, 'number', 'ALREADY_EXISTS'],
    [{ pin: '12' }, 'pin'],
    [{ pin: '12ab' }, 'pin'],
    [{ pin: '1234567890123' }, 'pin'],
    [{ country: 'XX' }, 'country'],
    [{ country: 'Poland' }, 'country'],
    [{ language: 'English' }, 'language'],
    [{ language: NUL }, 'language'],
  ),
  ...rows(A, 'getAccount', [{}, 'number'], [{ number: '99999999' }, 'number', 'NOT_FOUND']),
  ...rows(A, 'updateAccount', [{}, 'number'], [{ number: '1001', country: '??' }, 'country']),
  ...rows(A, 'updateAccount', [{ number: '99999999', suspended: true }, 'number', 'NOT_FOUND']),
  ...rows(A, 'setPin', [{ number: '1001', pin: 'x' }, 'pin'], [{ number: NUL, pin: '123456' }, 'number']),
  ...rows(A, 'setPin', [{ number: '99999999', pin: '123456' }, 'number', 'NOT_FOUND']),
  ...rows(A, 'unlock', [{ number: '' }, 'number']),
  ...rows(A, 'listAccounts', [{ pageToken: NUL }, 'page_token']),
  ...rows(
    A,
    'putCallerId',
    [{ accountNumber: '', number: NUMBER }, 'account_number'],
    [{ accountNumber: '1001', number: '601000001' }, 'number'],
    [{ accountNumber: '1001', number: '+0' }, 'number'],
  ),
  ...rows(A, 'deleteCallerId', [{ accountNumber: '1001', number: '+48999999999' }, 'number', 'NOT_FOUND']),
  ...rows(A, 'putSpeedDial', [{ accountNumber: '1001', code: '1234', number: NUMBER }, 'code']),
  ...rows(A, 'putSpeedDial', [{ accountNumber: '1001', code: '1', number: '0048' }, 'number']),
  ...rows(A, 'deleteSpeedDial', [{ accountNumber: '1001', code: '9' }, 'code', 'NOT_FOUND']),
  ...rows(
    Q,
    'identify',
    [{ callerId: NUMBER }, 'access_number'],
    [{ callerId: '1', accessNumber: ACCESS }, 'caller_id'],
  ),
  ...rows(
    Q,
    'verifyPin',
    [pin({ requestId: '' }), 'request_id'],
    [pin({ accountNumber: 'x' }), 'account_number'],
    [pin({ keyId: 'nobody’s' }), 'key_id'],
    [pin({ ephemeralPublicKey: Buffer.alloc(31) }), 'ephemeral_public_key'],
    [pin({ ciphertext: Buffer.from('123456') }), 'ciphertext'],
    [pin({ sessionId: '' }), 'session_id'],
    [pin({ legId: '' }), 'leg_id'],
    [pin({ commandId: '' }), 'command_id'],
    [pin({ callerId: 'me' }), 'caller_id'],
    [pin({ accessNumber: '' }), 'access_number'],
  ),
  ...rows(
    Q,
    'resolveDestination',
    [{ digits: '1' }, 'account_number'],
    [{ accountNumber: '99999999', digits: '1' }, 'account_number', 'NOT_FOUND'],
    [{ accountNumber: '1001', digits: NUL }, 'digits'],
  ),
  ...rows(
    M,
    'reserve',
    [reserve({ requestId: '' }), 'request_id'],
    [reserve({ sessionId: '' }), 'session_id'],
    [reserve({ payer: undefined }), 'payer'],
    [reserve({ payer: { $case: 'accountNumber', value: '' } }), 'account_number'],
    [reserve({ payer: { $case: 'lossBudget', value: {} } }), 'loss_budget.access_number'],
    [reserve({ legs: [] }), 'legs'],
    [reserve({ legs: [leg({ legId: '' })] }), 'legs[0].leg_id'],
    [reserve({ legs: [leg(), leg()] }), 'legs[1].leg_id'],
    [reserve({ legs: [leg({ number: '48' })] }), 'legs[0].number'],
    [reserve({ legs: [leg({ startAtUs: 0n })] }), 'legs[0].start_at_us'],
    [reserve({ legs: [leg({ startAtUs: 1n << 62n })] }), 'legs[0].start_at_us'],
    [reserve({ legs: [leg({ elapsedUs: -1n })] }), 'legs[0].elapsed_us'],
    [reserve({ legs: [leg({ leadUs: 1n << 60n })] }), 'legs[0].lead_us'],
    [reserve({ capUs: 0n }), 'cap_us'],
    [reserve({ capUs: -5n }), 'cap_us'],
    [reserve({ minUs: 61_000_000n }), 'min_us'],
    [reserve({ shard: 64 }), 'shard'],
    [reserve({ atUs: 0n }), 'at_us'],
  ),
  ...rows(
    M,
    'settle',
    [{ requestId: 'bad' }, 'cdr'],
    [cdr({ legId: '' }), 'cdr.leg_id'],
    [cdr({ role: 'c' }), 'cdr.role'],
    [cdr({ result: 'fine' }), 'cdr.result'],
    [cdr({ reason: 'x'.repeat(500) }), 'cdr.reason'],
    [cdr({ trunkId: NUL }), 'cdr.trunk_id'],
  ),
  ...rows(
    L,
    'openAccount',
    [{ accountNumber: '', currency: 'EUR', deck: 'demo' }, 'account_number'],
    [{ accountNumber: '4242', currency: 'euro', deck: 'demo' }, 'currency'],
    [{ accountNumber: '4242', currency: 'EUR', deck: '' }, 'deck'],
  ),
  ...rows(
    L,
    'topUp',
    [topUp({ requestId: '' }), 'request_id'],
    [topUp({ accountNumber: '' }), 'account_number'],
    [topUp({ amount: undefined }), 'amount'],
    [topUp({ amount: { micros: -1n, currency: 'EUR' } }), 'amount.micros'],
    [topUp({ amount: { micros: 0n, currency: 'EUR' } }), 'amount.micros'],
    [topUp({ amount: { micros: 1n, currency: '' } }), 'amount.currency'],
    [topUp({ note: 'x'.repeat(2_000) }), 'note'],
  ),
  ...rows(L, 'listCdrs', [{ pageSize: 100_000 }, 'page_size'], [{ pageToken: 'mine' }, 'page_token']),
  ...rows(L, 'listLedgerEntries', [{ pageToken: 'mine' }, 'page_token']),
  ...rows(
    D,
    'importDeck',
    [{ name: '', currency: 'EUR', csv: 'prefix,price\n48,1\n' }, 'name'],
    [{ name: 'bad', currency: 'E', csv: 'prefix,price\n48,1\n' }, 'currency'],
    [{ name: 'bad', currency: 'EUR', csv: NUL }, 'csv'],
    [{ name: 'bad', currency: 'EUR', csv: 'prefix,price\n48,1\n', validFromUs: -1n }, 'valid_from_us'],
  ),
  ...rows(
    D,
    'explain',
    [{ deck: '', number: NUMBER, startAtUs: 1n }, 'deck'],
    [{ deck: 'demo', number: '1', startAtUs: 1n }, 'number'],
    [{ deck: 'demo', number: NUMBER }, 'start_at_us'],
    [{ deck: 'demo', number: NUMBER, startAtUs: 1n, durationUs: -1n }, 'duration_us'],
  ),
  ...rows(
    R,
    'putAccessNumber',
    [{}, 'access_number'],
    [access({ number: '48223' }), 'access_number.number'],
    [access({ mode: 'both' }), 'access_number.mode'],
    [access({ language: '..' }), 'access_number.language'],
    [access({ unknownCallers: 'maybe' }), 'access_number.unknown_callers'],
    [access({ ringTimeMs: 10 }), 'access_number.ring_time_ms'],
    [access({ rejectCode: 200 }), 'access_number.reject_code'],
    [access({ callbackDelayMs: 999_999 }), 'access_number.callback_delay_ms'],
    [access({ answerConfirmation: 'press2' }), 'access_number.answer_confirmation'],
    [access({ endCode: 'x' }), 'access_number.end_code'],
    [access({ busyRetrySeconds: [4_000_000_000] }), 'access_number.busy_retry_seconds[0]'],
    [access({ noAnswerRetrySeconds: [5, 0] }), 'access_number.no_answer_retry_seconds[1]'],
    [access({ coolDownSeconds: 1_000_000 }), 'access_number.cool_down_seconds'],
    [access({ shownCallerId: 'me' }), 'access_number.shown_caller_id'],
    [access({ answerTimeoutSeconds: 3_000 }), 'access_number.answer_timeout_seconds'],
  ),
  ...rows(R, 'deleteAccessNumber', [{ number: '+48223999999' }, 'number', 'NOT_FOUND']),
  ...rows(
    R,
    'putTrunk',
    [{}, 'trunk'],
    [trunk({ id: 'Capital' }), 'trunk.id'],
    [trunk({ sources: ['127.0.0.1', '300.1.1.1'] }), 'trunk.sources[1]'],
    [trunk({ sources: ['10.0.0.0/40'] }), 'trunk.sources[0]'],
    [trunk({ gateway: 'nowhere' }), 'trunk.gateway'],
    [trunk({ gateway: 'x:99999' }), 'trunk.gateway'],
    [trunk({ sources: [] }), 'trunk'],
    [trunk({ country: 'pl' }), 'trunk.country'],
    [trunk({ identity: 'to' }), 'trunk.identity'],
    [trunk({ numberFormat: 'roman' }), 'trunk.number_format'],
    [trunk({ prefixes: ['48'] }), 'trunk.prefixes[0]'],
  ),
  ...rows(R, 'deleteTrunk', [{ id: 'nobody' }, 'id', 'NOT_FOUND']),
  ...rows(R, 'putDeniedRange', [{ prefix: '881' }, 'prefix'], [{ prefix: '+881', note: NUL }, 'note']),
  ...rows(R, 'deleteDeniedRange', [{ prefix: '+1234' }, 'prefix', 'NOT_FOUND']),
  ...rows(S, 'getSession', [{}, 'id'], [{ id: 'nobody' }, 'id', 'NOT_FOUND'], [{ id: NUL }, 'id']),
  ...rows(S, 'endSession', [{}, 'id'], [{ id: 'nobody' }, 'id', 'NOT_FOUND']),
  ...rows(S, 'listSessions', [{ pageToken: 'x' }, 'page_token'], [{ callerId: NUL }, 'caller_id']),
  ...rows(P, 'deleteParkedEvent', [{ id: '1' }, 'id']),
  ...rows(P, 'deleteParkedEvent', [{ id: '00000000-0000-0000-0000-000000000000' }, 'id', 'NOT_FOUND']),
  ...rows(W, 'drainSwitch', [{ switchId: 'switch-9', draining: true }, 'switch_id', 'NOT_FOUND']),
];

/** The whole message: what a row does not say is empty. */
export function whole({ of, method, request }: BadRequest): Record<string, unknown> {
  const messages = MESSAGES[CLIENTS.get(of)?.service ?? ''] as Record<string, { fromPartial(fields: object): object }>;
  const type = messages[`${method.charAt(0).toUpperCase()}${method.slice(1)}Request`];
  if (!type) throw new Error(`there is no request of ${method}`);
  return type.fromPartial(request) as Record<string, unknown>;
}
