import { assert } from '../assert.js';

/**
 * IEEE floats in Avro's byte order, little-endian, through one shared scratch word. Whatever its payload, NaN is
 * written as the one that JavaScript's `NaN` constant has: equal rows must have equal bytes.
 */
const scratch = new Float64Array(1);
const scratchBytes = new Uint8Array(scratch.buffer);
const single = new Float32Array(1);
const singleBytes = new Uint8Array(single.buffer);

export function writeDouble(buffer: Uint8Array, position: number, value: number): number {
  scratch[0] = value === value ? value : Number.NaN;
  for (let at = 0; at < 8; at++) buffer[position + at] = scratchBytes[at] as number;
  return position + 8;
}

export function readDouble(buffer: Uint8Array, position: number): number {
  for (let at = 0; at < 8; at++) scratchBytes[at] = buffer[position + at] as number;
  return scratch[0] as number;
}

export function writeFloat(buffer: Uint8Array, position: number, value: number): number {
  single[0] = value === value ? value : Number.NaN;
  for (let at = 0; at < 4; at++) buffer[position + at] = singleBytes[at] as number;
  return position + 4;
}

export function readFloat(buffer: Uint8Array, position: number): number {
  for (let at = 0; at < 4; at++) singleBytes[at] = buffer[position + at] as number;
  return single[0] as number;
}

/** Page headers and these floats are little-endian words, as on every platform that Node 20 supports but s390x. */
assert(new Uint8Array(Uint16Array.of(1).buffer)[0] === 1, 'worktable needs a little-endian machine');
