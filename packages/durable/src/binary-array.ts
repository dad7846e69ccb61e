/**
 * One-dimensional arrays as PostgreSQL takes them in binary form (array_recv in arrayfuncs.c): the driver writes JavaScript arrays
 * as quoted text, which costs more than the commit itself.
 */

const INT4 = 23;
const INT8 = 20;
const TEXT = 25;
const HEADER_BYTES = 20;

/** Dimensions, whether there are nulls, type of the elements, length, lower bound. */
function header(buffer: Buffer, type: number, length: number, nulls: boolean): void {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(nulls ? 1 : 0, 4);
  buffer.writeInt32BE(type, 8);
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
}

export function int4Array(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 8);
  header(buffer, INT4, values.length, false);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = buffer.writeInt32BE(4, at);
    at = buffer.writeInt32BE(value, at);
  }
  return buffer;
}

/** Whole numbers below 2⁵³, or null. */
export function int8Array(values: readonly (number | null)[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 12);
  let nulls = false;
  let at = HEADER_BYTES;
  for (const value of values) {
    if (value === null) {
      nulls = true;
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    at = buffer.writeInt32BE(8, at);
    at = buffer.writeBigInt64BE(BigInt(value), at);
  }
  header(buffer, INT8, values.length, nulls);
  return buffer.subarray(0, at);
}

export function textArray(values: readonly string[]): Buffer {
  const lengths = values.map((value) => Buffer.byteLength(value));
  const buffer = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, HEADER_BYTES));
  header(buffer, TEXT, values.length, false);
  let at = HEADER_BYTES;
  for (const [index, value] of values.entries()) {
    at = buffer.writeInt32BE(lengths[index]!, at);
    at += buffer.write(value, at);
  }
  return buffer;
}
