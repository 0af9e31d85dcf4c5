import { crc32 as native } from 'node:zlib';

/**
 * CRC-32 (IEEE 802.3, as in zip), unsigned. zlib does 3 GB/s and costs 300 ns a call, so short ranges are done here, eight
 * bytes a step with eight tables (Kounavis and Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC
 * Generation", 2008).
 */
const SHORTEST_NATIVE = 192;
const POLYNOMIAL = 0xedb88320;

const tables = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (POLYNOMIAL & -(value & 1));
    made[byte] = value;
  }
  for (let at = 256; at < made.length; at++) {
    const shorter = made[at - 256] as number;
    made[at] = (shorter >>> 8) ^ (made[shorter & 255] as number);
  }
  return made;
}

/** @param seed what an earlier range gave, to go on from there. @returns the checksum of `[from, to)`. */
export function crc32(bytes: Uint8Array, from: number, to: number, seed = 0): number {
  if (to - from >= SHORTEST_NATIVE) return native(bytes.subarray(from, to), seed);
  const t = tables;
  let value = ~seed;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    const low = value ^ word(bytes, at);
    const high = word(bytes, at + 4);
    value =
      (t[1792 + (low & 255)] as number) ^
      (t[1536 + ((low >>> 8) & 255)] as number) ^
      (t[1280 + ((low >>> 16) & 255)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (high & 255)] as number) ^
      (t[512 + ((high >>> 8) & 255)] as number) ^
      (t[256 + ((high >>> 16) & 255)] as number) ^
      (t[high >>> 24] as number);
  }
  for (; at < to; at++) value = (value >>> 8) ^ (t[(value ^ (bytes[at] as number)) & 255] as number);
  return ~value >>> 0;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}
