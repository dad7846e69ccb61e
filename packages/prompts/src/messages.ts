/** An amount in micro-units (10^-6) of an ISO 4217 currency. */
export interface Amount {
  readonly micros: bigint;
  readonly currency: string;
}

/** Kinds of arguments: `money` {@link Amount}; `duration` whole seconds ≥ 0; `count` a whole number ≥ 0; `digits` of [0-9*#+]. */
export interface ArgumentTypes {
  money: Amount;
  duration: number;
  count: number;
  digits: string;
}
export type ArgumentKind = keyof ArgumentTypes;

/** Everything Ringback says, with what it says it about. Every language has exactly these messages. */
export const MESSAGES = {
  welcome: {},
  welcome_direct: {},
  confirm_callback: {},
  confirm_callback_again: {},
  balance: { amount: 'money' },
  ask_pin: {},
  ask_pin_again: {},
  wrong_pin: { tries: 'count' },
  wrong_account_or_pin: { tries: 'count' },
  pin_failed: {},
  pin_locked: {},
  account_suspended: {},
  caller_id_saved: {},
  ask_account: {},
  ask_account_again: {},
  ask_destination: {},
  ask_destination_again: {},
  ask_destination_last: {},
  ask_next_destination: {},
  end_code_hint: { code: 'digits' },
  no_input_goodbye: {},
  invalid_number: {},
  unknown_speed_dial: {},
  max_duration: { duration: 'duration' },
  max_duration_at_least: { duration: 'duration' },
  connecting: {},
  please_wait: {},
  reason_busy: {},
  reason_no_answer: {},
  reason_unallocated: {},
  reason_rejected: {},
  reason_congestion: {},
  reason_unreachable: {},
  reason_failed: {},
  reason_blocked: {},
  reason_not_allowed: {},
  reason_own_number: {},
  reason_emergency: {},
  reason_no_credit: {},
  reason_cool_down: {},
  reason_too_many_calls: {},
  call_ended: {},
  credit_exhausted: {},
  no_credit_goodbye: {},
  warning_one_minute: {},
  apology: {},
  technical_problem: {},
  goodbye: {},
  digits: { digits: 'digits' },
} as const satisfies Record<string, Record<string, ArgumentKind>>;

type Table = typeof MESSAGES;
export type MessageId = keyof Table;

type Arguments<T> = { readonly [K in keyof T]: T[K] extends ArgumentKind ? ArgumentTypes[T[K]] : never };

/** `{ id: 'balance', args: { amount } }`; `args` is left out where a message has none. */
export type Message = {
  [Id in MessageId]: keyof Table[Id] extends never
    ? { readonly id: Id; readonly args?: undefined }
    : { readonly id: Id; readonly args: Arguments<Table[Id]> };
}[MessageId];
