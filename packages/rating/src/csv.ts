/** One record of a CSV file and the line on which it begins (the first line is 1). */
export interface CsvRecord {
  readonly line: number;
  readonly cells: string[];
}

/**
 * One record as text, with its line end (RFC 4180). What a spreadsheet would take for a formula is told to be text, except
 * numbers of telephones and amounts.
 */
export const csvLine = (cells: readonly string[]): string => `${cells.map(cell).join(',')}\r\n`;

function cell(value: string): string {
  const safe = /^[=@\t\r]|^[+-](?![\d.]+$)/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export class CsvError extends Error {
  override readonly name = 'CsvError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * Records of a CSV text (RFC 4180: commas, double quotes, line breaks within quotes; CRLF or LF; a byte order mark is
 * skipped). Blanks around an unquoted cell are dropped, empty lines are skipped.
 * @throws {CsvError} at a quote that is not closed or stands in the middle of a cell.
 */
export function* csvRecords(text: string): Generator<CsvRecord> {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const raw = text.slice(at, end);
    if (!raw.includes('"')) {
      if (raw.trim() !== '') yield { line, cells: raw.split(',').map((cell) => cell.trim()) };
      at = end + 1;
      line += 1;
      continue;
    }
    const record = quotedRecord(text, at, line);
    yield { line, cells: record.cells };
    at = record.end;
    line += record.lines;
  }
}

function quotedRecord(text: string, start: number, line: number): { cells: string[]; end: number; lines: number } {
  const cells: string[] = [];
  let at = start;
  let lines = 1;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    let cell = '';
    if (text[at] === '"') {
      for (;;) {
        const close = text.indexOf('"', at + 1);
        if (close < 0) throw new CsvError(line, 'a quote is opened and never closed');
        const part = text.slice(at + 1, close);
        lines += part.split('\n').length - 1;
        cell += part;
        at = close + 1;
        if (text[at] !== '"') break;
        cell += '"';
      }
      while (text[at] === ' ' || text[at] === '\t' || text[at] === '\r') at++;
      if (at < text.length && text[at] !== ',' && text[at] !== '\n') {
        throw new CsvError(line + lines - 1, 'something follows a closing quote within its cell');
      }
    } else {
      const stop = nextOf(text, at);
      cell = text.slice(at, stop).trim();
      if (cell.includes('"')) throw new CsvError(line + lines - 1, 'a quote stands in the middle of an unquoted cell');
      at = stop;
    }
    cells.push(cell);
    if (at >= text.length) return { cells, end: at, lines };
    if (text[at] === '\n') return { cells, end: at + 1, lines };
    at += 1;
  }
}

function nextOf(text: string, at: number): number {
  while (at < text.length && text[at] !== ',' && text[at] !== '\n') at++;
  return at;
}
