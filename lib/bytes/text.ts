import { cursor, readInt, writeInt } from './varint.js';

/**
 * Avro strings and bytes: a length as a varint, then the bytes. Strings are UTF-8.
 *
 * A native call into Node costs about 60 ns whatever the length, so short ASCII text, the common case, goes through
 * JavaScript.
 */
const LONGEST_WRITTEN_HERE = 48;
const ONE_BYTE_LENGTHS = 64;

interface NativeSlices {
  utf8Slice?(start: number, end: number): string;
}
const hasUtf8Slice = typeof (Buffer.prototype as NativeSlices).utf8Slice === 'function';

/** Writes well-formed text. @returns the position behind it, which may lie past the buffer's end: then it did not fit. */
export function writeString(buffer: Buffer, position: number, text: string): number {
  const length = text.length;
  if (length > LONGEST_WRITTEN_HERE) return writeStringNative(buffer, position, text);
  const start = position + 1;
  for (let at = 0; at < length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 127) return writeStringNative(buffer, position, text);
    buffer[start + at] = unit;
  }
  buffer[position] = length << 1; // 48 characters at most: one byte of length
  return start + length;
}

function writeStringNative(buffer: Buffer, position: number, text: string): number {
  const length = Buffer.byteLength(text, 'utf8');
  const start = writeInt(buffer, position, length);
  if (start + length <= buffer.length) buffer.write(text, start, length, 'utf8');
  return start + length;
}

const unit = String.fromCharCode;

/** Reads `length` bytes of UTF-8 as text. */
export function readText(buffer: Buffer, start: number, length: number): string {
  if (length <= 12) {
    const text = readShortAscii(buffer, start, length);
    if (text !== undefined) return text;
  }
  const end = start + length;
  return hasUtf8Slice ? (buffer as unknown as Required<NativeSlices>).utf8Slice(start, end) : buffer.toString('utf8', start, end);
}

/** Up to 12 characters in one call, or `undefined` where one of them is not ASCII. */
function readShortAscii(b: Buffer, p: number, length: number): string | undefined {
  let seen = 0;
  for (let at = p + length - 1; at >= p; at--) seen |= b[at] as number;
  if (seen > 127) return undefined;
  const u = (at: number) => b[p + at] as number;
  switch (length) {
    case 0:
      return '';
    case 1:
      return unit(u(0));
    case 2:
      return unit(u(0), u(1));
    case 3:
      return unit(u(0), u(1), u(2));
    case 4:
      return unit(u(0), u(1), u(2), u(3));
    case 5:
      return unit(u(0), u(1), u(2), u(3), u(4));
    case 6:
      return unit(u(0), u(1), u(2), u(3), u(4), u(5));
    case 7:
      return unit(u(0), u(1), u(2), u(3), u(4), u(5), u(6));
    case 8:
      return unit(u(0), u(1), u(2), u(3), u(4), u(5), u(6), u(7));
    case 9:
      return unit(u(0), u(1), u(2), u(3), u(4), u(5), u(6), u(7), u(8));
    case 10:
      return unit(u(0), u(1), u(2), u(3), u(4), u(5), u(6), u(7), u(8), u(9));
    case 11:
      return unit(u(0), u(1), u(2), u(3), u(4), u(5), u(6), u(7), u(8), u(9), u(10));
    default:
      return unit(u(0), u(1), u(2), u(3), u(4), u(5), u(6), u(7), u(8), u(9), u(10), u(11));
  }
}

export function readString(buffer: Buffer, position: number): string {
  const first = buffer[position] as number;
  if (first < ONE_BYTE_LENGTHS * 2) {
    const length = first >> 1;
    cursor.position = position + 1 + length;
    return readText(buffer, position + 1, length);
  }
  const length = readInt(buffer, position);
  const start = cursor.position;
  cursor.position = start + length;
  return readText(buffer, start, length);
}

export function writeBytes(buffer: Buffer, position: number, bytes: Uint8Array): number {
  const start = writeInt(buffer, position, bytes.length);
  const end = start + bytes.length;
  if (end <= buffer.length) buffer.set(bytes, start);
  return end;
}

/** A copy of its own, never a view into the page. */
export function readBytes(buffer: Buffer, position: number): Uint8Array {
  const length = readInt(buffer, position);
  const start = cursor.position;
  cursor.position = start + length;
  return Uint8Array.prototype.slice.call(buffer, start, start + length);
}

/** The position behind the string or bytes at `position`. */
export function skipText(buffer: Uint8Array, position: number): number {
  const first = buffer[position] as number;
  if (first < ONE_BYTE_LENGTHS * 2) return position + 1 + (first >> 1);
  const length = readInt(buffer, position);
  return cursor.position + length;
}
