import type { Logger } from '@ringback/service-kit';

export type Tell = (level: 'debug' | 'info' | 'warn' | 'error', words: string, fields: Record<string, unknown>) => void;

/** A service's logger that tells somebody instead of writing lines. */
export function loggerTo(tell: Tell): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: unknown, words = ''): void =>
      typeof fields === 'string' ? tell(level, fields, {}) : tell(level, words, fields as Record<string, unknown>);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Logger;
}
