import { CorruptionError } from '../errors.js';

const MOST_VARINT_BYTES = 10;

/**
 * Reads bytes that may be anything, from `position` to `end` and never beyond. What is not there, or is not what it
 * should be, is a `CorruptionError` with the file and the offset in it.
 */
export class ByteReader {
  constructor(
    readonly bytes: Buffer,
    public position: number,
    readonly end: number,
    private readonly file: string,
    /** Where in the file the bytes begin. */
    private readonly base = 0,
  ) {}

  get left(): number {
    return this.end - this.position;
  }

  fail(reason: string, at = this.position): never {
    throw new CorruptionError(this.file, this.base + at, reason);
  }

  /** @returns where the next `length` bytes begin. */
  take(length: number): number {
    if (length > this.left) this.fail('it ends in the middle of something');
    this.position += length;
    return this.position - length;
  }

  byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.take(4));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.take(8));
  }

  /** A safe integer from 0 on, as an Avro long. */
  natural(): number {
    const at = this.position;
    const short = this.shortVarint();
    if (short >= 0) return short;
    const value = Number(this.long());
    if (value < 0 || !Number.isSafeInteger(value)) this.fail('a count or a length that cannot be', at);
    return value;
  }

  /** A count of one or two bytes, as most are, or −1 where another way is to be found: BigInt costs far more. */
  private shortVarint(): number {
    const { bytes, position, end } = this;
    if (position + 1 >= end) return -1;
    const first = bytes[position] as number;
    const second = bytes[position + 1] as number;
    if ((first & 1) !== 0) return -1;
    if (first < 128) {
      this.position = position + 1;
      return first >> 1;
    }
    if (second > 127) return -1;
    this.position = position + 2;
    return ((first & 127) | (second << 7)) >> 1;
  }

  /** The length of bytes that are there. */
  length(): number {
    const at = this.position;
    const length = this.natural();
    if (length > this.left) this.fail('a length beyond the bytes that are left', at);
    return length;
  }

  long(): bigint {
    const at = this.position;
    const first = this.byte();
    if (first < 128) return BigInt((first >>> 1) ^ -(first & 1));
    let value = BigInt(first & 127);
    let byte: number;
    do {
      byte = this.byte();
      const shift = (this.position - at - 1) * 7;
      if (this.position - at > MOST_VARINT_BYTES) this.fail('a number of more than ten bytes', at);
      value |= BigInt(byte & 127) << BigInt(shift);
    } while (byte > 127);
    if (value >> 64n !== 0n) this.fail('a number beyond 64 bits', at);
    return (value >> 1n) ^ -(value & 1n);
  }
}
