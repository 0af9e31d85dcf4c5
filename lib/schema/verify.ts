import { isUtf8 } from 'node:buffer';
import { assert } from '../assert.js';
import { CorruptionError } from '../errors.js';
import type { ColumnType, DateType, Element, MapType } from './column-type.js';
import { layoutOf, NULL_BRANCH, VALUE_BRANCH } from './element-codec.js';
import type { RowCodec } from './row-codec.js';
import { MAX_DEPTH } from './stored-value.js';
import type { TableSchema } from './table-schema.js';

/**
 * Reads bytes that may be anything, and says whether they are exactly one value as our writers write it: lengths and
 * counts within what is left, shortest varints, UTF-8 and symbols that exist, nothing behind. The trusting readers are
 * let at bytes only after this. It allocates next to nothing, whatever the bytes claim.
 *
 * @throws CorruptionError with the offset of the first wrong byte.
 */
export function verifyRow(columns: readonly Element[], bytes: Buffer, start: number, end: number): void {
  const walk = new Verifier(bytes, start, end);
  for (const column of columns) walk.element(column, 0);
  if (walk.position !== end) walk.fail('bytes left over behind the row');
}

/** As `verifyRow`, one value of a row. @returns the position behind it. */
export function verifyElement(element: Element, bytes: Buffer, start: number, end: number): number {
  const walk = new Verifier(bytes, start, end);
  walk.element(element, 0);
  return walk.position;
}

/** Decodes bytes that may be anything. @throws CorruptionError */
export function decodeUntrusted(codec: RowCodec, schema: TableSchema, bytes: Uint8Array): object {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  verifyRow(schema.columns, buffer, 0, buffer.length);
  return codec.decode(buffer, 0);
}

const MAX_DATE_MS = 8.64e15;
const MAX_DAYS = 100_000_000;
const SHORT_VARINT_BYTES = 4;
/** A native call costs 60 ns, whatever the length. */
const LONGEST_LOOKED_AT_HERE = 64;

class Verifier {
  constructor(
    private readonly bytes: Buffer,
    public position: number,
    private readonly end: number,
  ) {
    assert(position >= 0 && position <= end && end <= bytes.length, 'the range to verify lies within the bytes');
  }

  fail(reason: string, at = this.position): never {
    throw new CorruptionError(undefined, at, reason);
  }

  element(element: Element, depth: number): void {
    if (element.nullable) {
      const branch = this.byte();
      if (branch === NULL_BRANCH) return;
      if (branch !== VALUE_BRANCH) this.fail('a union branch that does not exist', this.position - 1);
    }
    this.value(element.type, depth);
  }

  private value(type: ColumnType, depth: number): void {
    switch (type.kind) {
      case 'enum': {
        const at = this.position;
        const place = this.integer(32);
        if (place < 0 || place >= type.symbols.length) this.fail('an enum symbol that does not exist', at);
        return;
      }
      case 'date':
      case 'timestamp-millis':
      case 'timestamp-micros':
        this.time(type);
        return;
      case 'uuid':
        this.uuid();
        return;
      case 'decimal':
        this.decimal(type.precision);
        return;
      case 'array':
      case 'map':
        this.block(type, depth + 1);
        return;
      case 'record':
        if (depth >= MAX_DEPTH) this.fail('nested too deeply');
        for (const field of type.fields) this.element(field, depth + 1);
        return;
      default:
        this.plain(type);
    }
  }

  private plain(type: ColumnType): void {
    switch (layoutOf(type)) {
      case 'boolean':
        if (this.byte() > 1) this.fail('a boolean that is neither 0 nor 1', this.position - 1);
        return;
      case 'int':
        this.integer(32);
        return;
      case 'longNumber':
        this.safeInteger();
        return;
      case 'longBigInt':
        this.integer(64);
        return;
      case 'float':
        this.float(4);
        return;
      case 'double':
        this.float(8);
        return;
      case 'string':
        if (!this.isShortAscii()) this.text();
        return;
      default:
        this.take(this.length());
    }
  }

  private byte(): number {
    if (this.position >= this.end) this.fail('the bytes end in the middle of a value');
    return this.bytes[this.position++] as number;
  }

  /** @returns where the `length` bytes begin. */
  private take(length: number): number {
    if (length > this.end - this.position) this.fail('a length beyond the bytes that are left');
    this.position += length;
    return this.position - length;
  }

  /**
   * A number of up to four bytes, as most are, or −1 where it takes more and `varint` is to read it: BigInt costs far more.
   * The caller gets it as it stands in the bytes, before the sign is taken out of its lowest bit.
   */
  private shortVarint(): number {
    const { bytes, position, end } = this;
    let value = 0;
    for (let at = 0; at < SHORT_VARINT_BYTES && position + at < end; at++) {
      const byte = bytes[position + at] as number;
      value |= (byte & 127) << (at * 7);
      if (byte > 127) continue;
      if (byte === 0 && at > 0) return -1; // longer than it need be: refused where all of it is read
      this.position = position + at + 1;
      return value;
    }
    return -1;
  }

  private integer(bits: 32 | 64): number {
    const short = this.shortVarint();
    return short < 0 ? Number(this.varint(bits)) : (short >>> 1) ^ -(short & 1);
  }

  private varint(bits: 32 | 64): bigint {
    const at = this.position;
    const first = this.byte();
    if (first < 128) return BigInt((first >>> 1) ^ -(first & 1));
    let value = BigInt(first & 127);
    let shift = 7n;
    let byte: number;
    do {
      byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
      if (shift > 70n) this.fail('a varint longer than ten bytes', at);
    } while (byte > 127);
    if (byte === 0) this.fail('a varint that is longer than it need be', at);
    if (value >> BigInt(bits) !== 0n) this.fail(`a number beyond ${bits} bits`, at);
    return (value >> 1n) ^ -(value & 1n);
  }

  private safeInteger(): number {
    const at = this.position;
    const value = this.integer(64);
    if (!Number.isSafeInteger(value)) this.fail('a number beyond the safe integers', at);
    return value;
  }

  private length(): number {
    const at = this.position;
    const length = this.integer(64);
    if (length < 0) this.fail('a negative length', at);
    if (length > this.end - this.position) this.fail('a length beyond the bytes that are left', at);
    return length;
  }

  private float(width: 4 | 8): void {
    const { bytes } = this;
    const at = this.take(width);
    const value = width === 4 ? bytes.readFloatLE(at) : bytes.readDoubleLE(at);
    if (value === value) return;
    const isCanonical = width === 4 ? bytes.readUInt32LE(at) === 0x7fc00000 : bytes.readBigUInt64LE(at) === 0x7ff8000000000000n;
    if (!isCanonical) this.fail('a NaN with a payload', at);
  }

  /** Steps over short text of ASCII; stays where it is before any other. */
  private isShortAscii(): boolean {
    const { bytes, position } = this;
    const length = position < this.end ? (bytes[position] as number) >> 1 : 0;
    const from = position + 1;
    if (length > LONGEST_LOOKED_AT_HERE || ((bytes[position] as number) & 129) !== 0 || from + length > this.end) return false;
    for (let at = from; at < from + length; at++) if ((bytes[at] as number) > 127) return false;
    this.position = from + length;
    return true;
  }

  private text(): Buffer {
    const length = this.length();
    const at = this.take(length);
    const text = this.bytes.subarray(at, at + length);
    return isUtf8(text) ? text : this.fail('text that is not UTF-8', at);
  }

  private time(type: DateType): void {
    const at = this.position;
    if (type.as === 'bigint') {
      this.varint(64);
    } else if (type.as === 'number') {
      this.safeInteger();
    } else if (type.kind === 'timestamp-micros') {
      const micros = this.varint(64);
      if (micros % 1000n !== 0n || micros / 1000n > BigInt(MAX_DATE_MS) || micros / 1000n < -BigInt(MAX_DATE_MS)) {
        this.fail('microseconds that no Date holds', at);
      }
    } else {
      const value = this.integer(type.kind === 'date' ? 32 : 64);
      if (Math.abs(value) > (type.kind === 'date' ? MAX_DAYS : MAX_DATE_MS)) this.fail('a time that no Date holds', at);
    }
  }

  private uuid(): void {
    const at = this.position;
    if (this.length() !== 36) this.fail('a uuid that is not 36 characters', at);
    const from = this.take(36);
    for (let n = 0; n < 36; n++) {
      const byte = this.bytes[from + n] as number;
      const dash = n === 8 || n === 13 || n === 18 || n === 23;
      const hex = (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102);
      if (dash ? byte !== 45 : !hex) this.fail('a uuid of other characters', from + n);
    }
  }

  private decimal(precision: number): void {
    const at = this.position;
    const length = this.length();
    if (length === 0 || length > precision) this.fail('a decimal of the wrong length', at);
    const from = this.take(length);
    const first = this.bytes[from] as number;
    const second = this.bytes[from + 1];
    if (second !== undefined && length > 1 && ((first === 0 && second < 128) || (first === 255 && second > 127))) {
      this.fail('a decimal that is longer than it need be', from);
    }
    const hex = this.bytes.toString('hex', from, from + length);
    const units = BigInt.asIntN(length * 8, BigInt(`0x${hex}`));
    const limit = 10n ** BigInt(precision);
    if (units >= limit || units <= -limit) this.fail('a decimal of too many digits', from);
  }

  private block(type: ColumnType & { kind: 'array' | 'map' }, depth: number): void {
    if (depth > MAX_DEPTH) this.fail('nested too deeply');
    const at = this.position;
    const count = this.integer(64);
    if (count < 0) this.fail('a block with a byte size, which our writers do not write', at);
    if (count === 0) return;
    // Every item takes a byte at least, since a record has a column at least: the bytes left bound the count.
    if (count > this.end - this.position) this.fail('more items than the bytes that are left', at);
    if (type.kind === 'map') this.entries(type, count, depth);
    else for (let left = count; left > 0; left--) this.element(type.items, depth);
    if (this.byte() !== 0) this.fail('a second block, which our writers do not write', this.position - 1);
  }

  private entries(type: MapType, count: number, depth: number): void {
    const keys = new Set<string>();
    let lastIndex = -1;
    for (let left = count; left > 0; left--) {
      const at = this.position;
      const key = this.text().toString('utf8');
      if (keys.has(key)) this.fail('a key twice in a map', at);
      keys.add(key);
      if (type.as === 'object') {
        const index = arrayIndexOf(key);
        if (index < lastIndex) this.fail('keys in an order that an object does not keep', at);
        lastIndex = index;
      }
      this.element(type.values, depth);
    }
  }
}

/** An object gives its keys that are array indices first, in ascending order; the others, all one here, come behind. */
function arrayIndexOf(key: string): number {
  const index = /^(?:0|[1-9]\d{0,9})$/.test(key) ? Number(key) : Number.POSITIVE_INFINITY;
  return index < 2 ** 32 - 1 ? index : Number.POSITIVE_INFINITY;
}
