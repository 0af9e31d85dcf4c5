/**
 * Avro's variable-length integers: zig-zag, then seven bits a byte, low bits first.
 *
 * Writers never check for room: a typed array ignores what is written past its end, so a caller encodes, looks at the
 * position that comes back, and knows whether the row fitted and how much room it takes if it did not.
 *
 * Readers give the value and leave the position behind it in `cursor.position`. They trust their bytes: whatever
 * comes from outside goes through `schema/verify.ts` first.
 */
export const cursor = { position: 0 };

const TWO_31 = 0x80000000;

/** Writes an integer within 32 bits, signed. @returns the position behind it. */
export function writeInt(buffer: Uint8Array, position: number, value: number): number {
  let rest = (value << 1) ^ (value >> 31);
  while ((rest & ~127) !== 0) {
    buffer[position++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
}

export function readInt(buffer: Uint8Array, position: number): number {
  let byte = buffer[position++] as number;
  let bits = byte & 127;
  let shift = 7;
  while (byte > 127) {
    byte = buffer[position++] as number;
    bits |= (byte & 127) << shift;
    shift += 7;
  }
  cursor.position = position;
  return (bits >>> 1) ^ -(bits & 1);
}

/** Writes a safe integer as a long. */
export function writeLongNumber(buffer: Uint8Array, position: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeInt(buffer, position, value);
  // 2·value leaves the safe range, so sign and magnitude travel apart: magnitude m of a negative value v is −v−1.
  const sign = value < 0 ? 1 : 0;
  let rest = sign === 1 ? -(value + 1) : value;
  buffer[position++] = ((rest % 64) << 1) | sign | 128;
  rest = Math.floor(rest / 64);
  while (rest >= TWO_31) {
    buffer[position++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    buffer[position++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
}

export function readLongNumber(buffer: Uint8Array, position: number): number {
  let byte = buffer[position++] as number;
  const sign = byte & 1;
  let magnitude = (byte >> 1) & 63;
  let factor = 64;
  while (byte > 127) {
    byte = buffer[position++] as number;
    magnitude += (byte & 127) * factor;
    factor *= 128;
  }
  cursor.position = position;
  return sign === 1 ? -magnitude - 1 : magnitude;
}

const wide = new BigInt64Array(1);
const halves = new Int32Array(wide.buffer);

/** Writes a long of all 64 bits. Two 32-bit halves are shifted by hand: BigInt arithmetic would allocate at every step. */
export function writeLongBigInt(buffer: Uint8Array, position: number, value: bigint): number {
  wide[0] = value;
  const low = halves[0] as number;
  const high = halves[1] as number;
  const sign = high >> 31;
  let zigLow = (low << 1) ^ sign;
  let zigHigh = ((high << 1) | (low >>> 31)) ^ sign;
  while (zigHigh !== 0 || (zigLow & ~127) !== 0) {
    buffer[position++] = (zigLow & 127) | 128;
    zigLow = (zigLow >>> 7) | (zigHigh << 25);
    zigHigh >>>= 7;
  }
  buffer[position++] = zigLow;
  return position;
}

export function readLongBigInt(buffer: Uint8Array, position: number): bigint {
  let low = 0;
  let high = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = buffer[position++] as number;
    const bits = byte & 127;
    if (shift < 32) {
      low |= bits << shift;
      if (shift > 25) high |= bits >>> (32 - shift);
    } else {
      high |= bits << (shift - 32);
    }
    shift += 7;
  } while (byte > 127);
  cursor.position = position;
  const sign = -(low & 1);
  halves[0] = ((low >>> 1) | (high << 31)) ^ sign;
  halves[1] = (high >>> 1) ^ sign;
  return wide[0] as bigint;
}

/** The position behind the varint at `position`. */
export function skipVarint(buffer: Uint8Array, position: number): number {
  while ((buffer[position++] as number) > 127);
  return position;
}
