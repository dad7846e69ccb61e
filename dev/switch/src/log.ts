export type LogFields = Record<string, string | number | boolean | undefined>;
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** JSON lines. Callers pass ids, causes and counts only: never numbers, digits or texts of calls. */
export function jsonLog(name: string, write: (line: string) => void): Log {
  const line = (level: string) => (message: string, fields: LogFields) =>
    write(
      `${JSON.stringify({ time: new Date().toISOString(), level, service: 'dev-switch', switch: name, message, ...fields })}\n`,
    );
  return {
    info: (message, fields = {}) => line('info')(message, fields),
    warn: (message, fields = {}) => line('warn')(message, fields),
    error: (message, fields = {}) => line('error')(message, fields),
  };
}

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
