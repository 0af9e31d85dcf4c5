import { codeGenerationAllowed } from '../bytes/code-generation.js';
import { isShortUtf8 } from '../bytes/utf8.js';
import { switches } from '../switches.js';
import type { DateType, Element } from './column-type.js';
import { layoutOf } from './element-codec.js';
import { verifyElement, verifyRow } from './verify.js';

/** As `verifyRow`, for the rows of one table. @throws CorruptionError with the offset of the first wrong byte. */
export type RowVerifier = (bytes: Buffer, start: number, end: number) => void;

/**
 * Verifies rows of these columns, many times faster than `verifyRow` where most of them are plain: code compiled for the
 * columns passes common values in their common form, and leaves every row that it does not pass to `verifyRow`, which
 * alone refuses. Without code generation it is `verifyRow`.
 */
export function rowVerifier(columns: readonly Element[]): RowVerifier {
  if (!switches.compiledCodecs || !codeGenerationAllowed()) return (bytes, start, end) => verifyRow(columns, bytes, start, end);
  const isPlain = compile(columns);
  return (bytes, start, end) => {
    if (!isPlain(bytes, start, end)) verifyRow(columns, bytes, start, end);
  };
}

type IsPlain = (bytes: Buffer, start: number, end: number) => boolean;

/**
 * Nothing of a user's enters the text but numbers. Positions only grow, and what is read behind the end never lets them
 * stand still: so it is enough to compare the position with the end once, at last.
 */
function compile(columns: readonly Element[]): IsPlain {
  const checks = columns.map((column, place) => {
    const check = checkSource(column) ?? `if (p > e) return false; p = element(columns[${place}], b, p, e);`;
    const isGeneric = checkSource(column) === undefined;
    return column.nullable && !isGeneric ? `c = b[p++]; if (c !== 0) { if (c !== 2) return false; ${check} }` : check;
  });
  const body = `'use strict'; return function (b, p, e) { let c, n, q; ${checks.join('\n')} return p === e; };`;
  const factory = new Function('columns', 'element', 'isUtf8', body);
  return factory(columns, verifyElement, isShortUtf8) as IsPlain;
}

/** The check of a value that is not null, or `undefined` where the generic one does it. */
function checkSource({ type }: Element): string | undefined {
  switch (type.kind) {
    case 'enum':
      return `c = b[p++]; if (c > 127 || (c & 1) !== 0 || c >> 1 >= ${type.symbols.length}) return false;`;
    case 'uuid':
    case 'decimal':
      return undefined;
    case 'date':
    case 'timestamp-millis':
    case 'timestamp-micros':
      return timeSource(type);
  }
  switch (layoutOf(type)) {
    case 'boolean':
      return 'if (b[p++] > 1) return false;';
    case 'int':
      return varintSource(INT_BYTES);
    case 'longNumber':
      return varintSource(SAFE_BYTES);
    case 'longBigInt':
      return varintSource(LONG_BYTES);
    case 'float':
      return 'if ((b[p + 3] & 127) === 127 && b[p + 2] > 127) return false; p += 4;'; // infinities and NaN
    case 'double':
      return 'if ((b[p + 7] & 127) === 127 && b[p + 6] >= 240) return false; p += 8;';
    case 'bytes':
      return 'c = b[p++]; if (c > 127 || (c & 1) !== 0) return false; p += c >> 1;';
    case 'string':
      return `c = b[p++]; if (c > 127 || (c & 1) !== 0) return false;
        q = p; p += c >> 1; if (p > e) return false;
        for (n = 0; q < p; q++) n |= b[q];
        if (n > 127 && !isUtf8(b, p - (c >> 1), p)) return false;`;
    default:
      return undefined;
  }
}

/** Seven bits each: so many bytes hold nothing but numbers of 32 bits, safe integers, numbers of 64 bits. */
const INT_BYTES = 4;
const SAFE_BYTES = 7;
const LONG_BYTES = 9;
/** And these, days and milliseconds that a Date holds. */
const DATE_DAYS_BYTES = 3;
const DATE_MILLIS_BYTES = 7;

function timeSource(type: DateType): string | undefined {
  if (type.as === 'bigint') return varintSource(LONG_BYTES);
  if (type.as === 'number') return varintSource(type.kind === 'date' ? INT_BYTES : SAFE_BYTES);
  if (type.kind === 'timestamp-micros') return undefined;
  return varintSource(type.kind === 'date' ? DATE_DAYS_BYTES : DATE_MILLIS_BYTES);
}

/** A varint of at most so many bytes, none longer than it need be. */
function varintSource(mostBytes: number): string {
  return `c = b[p++]; if (c > 127) { q = p + ${mostBytes - 1}; do { if (p === q) return false; c = b[p++]; } while (c > 127); if (c === 0) return false; }`;
}
