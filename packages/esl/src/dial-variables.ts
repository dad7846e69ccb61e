import { EslError } from './errors.ts';

/**
 * A value within `{…}` or `[…]` of a dial string: quoted where it must be. `$` (expansion), quotes, brackets and backslashes
 * cannot be carried safely through the parsers of a dial string.
 * @throws {EslError} `bad_argument`
 */
export function dialValue(name: string, value: string): string {
  if (/[$'"`\\{}[\]<>|^]|[^ -~]/.test(value)) {
    throw new EslError('bad_argument', `variable ${name} has a character that a dial string cannot carry`);
  }
  return /[ ,;]/.test(value) ? `'${value.replaceAll(',', '\\,')}'` : value;
}

/** `name=value,…` for a dial string, in the order given. @throws {EslError} `bad_argument` */
export function dialVariables(variables: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      if (!/^[A-Za-z0-9_-]+$/.test(name)) throw new EslError('bad_argument', 'a name that is no variable');
      return `${name}=${dialValue(name, String(value))}`;
    })
    .join(',');
}
