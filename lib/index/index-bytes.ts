import type { Entry, EntryMap } from './entry-map.js';
import type { Key } from './key-order.js';
import { Posting } from './posting.js';

const SAMPLE = 1000;
/** Two words an entry, in nodes that are not full and whose arrays have grown beyond them: measured with a million keys. */
const TREE_SLOT_BYTES = 28;

/** The memory that an index holds: of arrays as it is, of what is on the JavaScript heap an estimate, from a sample. */
export function estimateBytes(map: EntryMap): number {
  let sampled = 0;
  let entryBytes = 0;
  let keyBytes = 0;
  for (const [key, entry] of map.entries()) {
    entryBytes += bytesOfEntry(entry);
    if (map.heapKeys > 0) keyBytes += bytesOfKey(key);
    if (++sampled === SAMPLE) break;
  }
  if (sampled === 0) return map.bytes;
  const heap = (keyBytes / sampled + TREE_SLOT_BYTES) * map.heapKeys;
  return map.bytes + Math.round(heap + (entryBytes / sampled) * map.size);
}

/** A list takes eight bytes a row in an array that grows to 17, then to 41; a posting four, in chunks mostly three quarters full. */
function bytesOfEntry(entry: Entry): number {
  if (typeof entry === 'number') return 0;
  return entry instanceof Posting ? Math.round(144 + entry.size * 5.4) : 48 + (entry.length <= 17 ? 17 : 41) * 8;
}

/** Characters for which V8 keeps two bytes each. */
const WIDE = /[^\0-\xff]/;

function bytesOfKey(key: Key): number {
  if (typeof key === 'string') return (16 + key.length * (WIDE.test(key) ? 2 : 1) + 7) & -8;
  if (typeof key === 'bigint') return 24;
  if (key instanceof Uint8Array) return 96 + key.length;
  if (Array.isArray(key)) return key.reduce((sum: number, part) => sum + 8 + bytesOfKey(part), 48);
  return typeof key === 'number' && !Number.isInteger(key) ? 16 : 0;
}
