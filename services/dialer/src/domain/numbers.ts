/** An E.164 number (with +) as the user part a trunk wants. */
export function toUser(e164: string, format: string): string {
  const digits = e164.replace(/^\+/, '');
  if (format === 'e164') return digits;
  return format === '00' ? `00${digits}` : `+${digits}`;
}
