import { codeGenerationAllowed } from './code-generation.js';
import { cursor, readInt, writeInt } from './varint.js';

/**
 * Avro strings and bytes: a length as a varint, then the bytes. Strings are UTF-8.
 *
 * A native call into Node costs about 60 ns whatever the length, so short text is written, and short ASCII text, the
 * common case, is read in JavaScript.
 */
const LONGEST_WRITTEN_HERE = 48;
const ONE_BYTE_LENGTHS = 64;
const SHORTEST_NATIVE_READ = 33;
const HIGH_SURROGATES = 0xd800;
const LOW_SURROGATES_END = 0xdfff;

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
    if (unit > 127) return writeNonAscii(buffer, position, text, at);
    buffer[start + at] = unit;
  }
  buffer[position] = length << 1; // 48 characters at most: one byte of length
  return start + length;
}

/** The same for short text whose first `ascii` characters are ASCII, and written. */
function writeNonAscii(buffer: Buffer, position: number, text: string, ascii: number): number {
  const start = position + 1;
  let to = start + ascii;
  for (let at = ascii; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) {
      buffer[to++] = unit;
    } else if (unit < 0x800) {
      buffer[to++] = 0xc0 | (unit >> 6);
      buffer[to++] = 0x80 | (unit & 0x3f);
    } else if (unit < HIGH_SURROGATES || unit > LOW_SURROGATES_END) {
      buffer[to++] = 0xe0 | (unit >> 12);
      buffer[to++] = 0x80 | ((unit >> 6) & 0x3f);
      buffer[to++] = 0x80 | (unit & 0x3f);
    } else {
      const point = text.codePointAt(at++) as number;
      buffer[to++] = 0xf0 | (point >> 18);
      buffer[to++] = 0x80 | ((point >> 12) & 0x3f);
      buffer[to++] = 0x80 | ((point >> 6) & 0x3f);
      buffer[to++] = 0x80 | (point & 0x3f);
    }
  }
  if (to - start >= ONE_BYTE_LENGTHS) return writeStringNative(buffer, position, text);
  buffer[position] = (to - start) << 1;
  return to;
}

function writeStringNative(buffer: Buffer, position: number, text: string): number {
  const length = Buffer.byteLength(text, 'utf8');
  const start = writeInt(buffer, position, length);
  if (start + length <= buffer.length) buffer.write(text, start, length, 'utf8');
  return start + length;
}

type ReadText = (buffer: Buffer, start: number, length: number) => string;

/** The same, whatever the text, by a native call. */
export const readNative: ReadText = hasUtf8Slice
  ? (buffer, start, length) => (buffer as unknown as Required<NativeSlices>).utf8Slice(start, start + length)
  : (buffer, start, length) => buffer.toString('utf8', start, start + length);

/**
 * Reads `length` bytes as text, if they are short ASCII; `undefined` where a native call has to. One call of
 * `String.fromCharCode` with a case for each length takes 10 to 50 ns where a native call takes 60 to 100. Such a function
 * is generated rather than written out.
 */
export const readAscii: (buffer: Buffer, start: number, length: number) => string | undefined = codeGenerationAllowed()
  ? compileReadAscii()
  : () => undefined;

function compileReadAscii(): (buffer: Buffer, start: number, length: number) => string | undefined {
  const cases = Array.from({ length: SHORTEST_NATIVE_READ }, (_, length) => {
    if (length === 0) return `case 0: return '';`;
    const bytes = Array.from({ length }, (_none, at) => `c${at}`);
    const reads = bytes.map((byte, at) => `${byte} = b[p + ${at}]`).join(', ');
    return `case ${length}: { const ${reads}; return (${bytes.join(' | ')}) > 127 ? undefined : unit(${bytes.join(', ')}); }`;
  });
  const factory = new Function('unit', `return function (b, p, n) { switch (n) { ${cases.join('\n')} default: return undefined; } };`);
  return factory(String.fromCharCode) as (buffer: Buffer, start: number, length: number) => string | undefined;
}

/** Reads `length` bytes of UTF-8 as text. */
export function readText(buffer: Buffer, start: number, length: number): string {
  return readAscii(buffer, start, length) ?? readNative(buffer, start, length);
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

/** Whether the string at `position` is `text`, found out without decoding it where it is ASCII. */
export function isString(buffer: Buffer, position: number, text: string): boolean {
  const first = buffer[position] as number;
  let length = first >> 1;
  let start = position + 1;
  if (first >= ONE_BYTE_LENGTHS * 2) {
    length = readInt(buffer, position);
    start = cursor.position;
  }
  if (length !== text.length) return length > text.length && readText(buffer, start, length) === text;
  for (let at = 0; at < length; at++) {
    const byte = buffer[start + at] as number;
    if (byte !== text.charCodeAt(at) || byte > 127) return false; // as long as its bytes: all ASCII, or another text
  }
  return true;
}

/** The bytes of the text at `position`, whose first one is at `cursor.position`. */
export function textBytes(buffer: Buffer, position: number): number {
  const first = buffer[position] as number;
  if (first >= ONE_BYTE_LENGTHS * 2) return readInt(buffer, position);
  cursor.position = position + 1;
  return first >> 1;
}

/** Whether two texts are the same: then their bytes are, and their lengths. */
export function isSameText(a: Buffer, position: number, b: Buffer, other: number): boolean {
  const length = textBytes(a, position);
  const from = cursor.position;
  if (textBytes(b, other) !== length) return false;
  const at = cursor.position;
  for (let n = 0; n < length; n++) if (a[from + n] !== b[at + n]) return false;
  return true;
}

export function writeBytes(buffer: Buffer, position: number, bytes: Uint8Array): number {
  const start = writeInt(buffer, position, bytes.length);
  const end = start + bytes.length;
  if (end <= buffer.length) buffer.set(bytes, start);
  return end;
}

/** A copy of its own, never a view into the page, and a plain array: `slice` of a Buffer would be a Buffer again. */
export function readBytes(buffer: Buffer, position: number): Uint8Array {
  const length = readInt(buffer, position);
  const start = cursor.position;
  cursor.position = start + length;
  return new Uint8Array(new Uint8Array(buffer.buffer, buffer.byteOffset + start, length));
}

/** The position behind the string or bytes at `position`. */
export function skipText(buffer: Uint8Array, position: number): number {
  const first = buffer[position] as number;
  if (first < ONE_BYTE_LENGTHS * 2) return position + 1 + (first >> 1);
  const length = readInt(buffer, position);
  return cursor.position + length;
}
