import { isCountry, isE164, parseDestination } from '@ringback/numbering';
import { GrpcError } from '@ringback/service-kit';

const bad = GrpcError.invalidArgument;

export function accountNumber(field: string, value: string): string {
  if (!/^\d{4,12}$/.test(value)) throw bad(field, 'wants 4 to 12 digits');
  return value;
}

export function pin(field: string, value: string): string {
  if (!/^\d{4,12}$/.test(value)) throw bad(field, 'wants 4 to 12 digits');
  return value;
}

export function e164(field: string, value: string): string {
  if (!isE164(value)) throw bad(field, 'wants E.164 with +');
  return value;
}

export function country(field: string, value: string): string {
  if (!isCountry(value)) throw bad(field, 'wants ISO 3166-1 alpha-2, like PL');
  return value;
}

export function language(field: string, value: string): string {
  if (!/^[a-z]{2,3}(-[A-Z]{2})?$/.test(value)) throw bad(field, 'wants a language tag like en or pl');
  return value;
}

export function speedDialCode(field: string, value: string): string {
  if (!/^\d{1,3}$/.test(value)) throw bad(field, 'wants 1 to 3 digits');
  // Whoever keys it in need must hear that it is not dialled, not somebody from the address book.
  if (parseDestination(value, '').is === 'emergency') throw bad(field, 'is an emergency or service number');
  return value;
}

export function present(field: string, value: string): string {
  if (value === '') throw bad(field, 'is missing');
  return value;
}

/** What a caller keyed for an account number may be anything a telephone has keys for: it is unknown, not malformed. */
export function keyedAccount(field: string, value: string): string {
  if (!/^[0-9*#]{1,32}$/.test(value)) throw bad(field, 'wants 1 to 32 of 0-9 * #');
  return value;
}

export function bytes(field: string, value: Uint8Array, length: number): Uint8Array {
  if (value.length !== length) throw bad(field, `wants ${length} bytes, got ${value.length}`);
  return value;
}
