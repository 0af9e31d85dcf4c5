/** Two's complement, big-endian, of the least length: the form of Avro's decimals. */
export function bigIntToBytes(value: bigint): Uint8Array {
  const bits = (value < 0n ? ~value : value).toString(2).length;
  const length = value === 0n || value === -1n ? 1 : (bits >> 3) + 1;
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let at = length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The inverse, for at least one byte. */
export function bigIntFromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}
