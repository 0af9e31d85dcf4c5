import { ratioOf } from './ratios.js';

/**
 * What worktable is to reach. `peers`: how many times faster than the best of the others it is to be; `map`: how many times
 * the time of the hand-written map it may take at most. Where a figure is missing, nothing was set.
 *
 * @type {readonly { trial: string, title: string, peers?: number, map?: number, field?: string, store?: string }[]}
 */
export const TARGETS = [
  { trial: 'getByKey', title: 'get by key, one column read', peers: 2, map: 1.5 },
  { trial: 'readByKey', title: 'get by key, every column read', peers: 2, map: 1.5 },
  { trial: 'getByUnique', title: 'get by unique', peers: 2, map: 1.5 },
  { trial: 'byPlainIndex', title: 'rows by plain index', peers: 4, map: 3 },
  { trial: 'range', title: 'ordered range of 100', peers: 4, map: 3 },
  { trial: 'updatePlain', title: 'update of a plain column', peers: 2, map: 1.5 },
  { trial: 'updateIndexed', title: 'update of an indexed column', peers: 1, map: 1 },
  { trial: 'delete', title: 'delete', peers: 1, map: 1 },
  { trial: 'insert', title: 'insert, one by one', peers: 1, map: 1 },
  { trial: 'insertMany', title: 'insertMany', peers: 2, map: 1 / 1.5 },
  { trial: 'filteredCount', title: 'filtered count without an index', peers: 1, store: 'better-sqlite3' },
  { trial: 'memory', title: 'bytes a row', peers: 1, map: 0.5, store: 'better-sqlite3' },
  { trial: 'memory', title: 'JavaScript heap a row', map: 0.2, field: 'heap' },
];

/** Stores that a target is compared with: the others, but for worktable's own variants and the map. */
const PEERS = ['lokijs', 'better-sqlite3', 'lmdb', 'nedb', 'tinybase', 'alasql'];

/** Each target at one size: the best peer with its ratio, the map's time for ours, and whether both hold. */
export function reached(results, size) {
  return TARGETS.map((target) => {
    const { trial, peers, map, field, store } = target;
    const ratio = (name) => ratioOf(results, { trial, size, store: name, field });
    const ratios = (store === undefined ? PEERS : [store])
      .map((name) => ({ name, ratio: ratio(name) }))
      .filter((one) => one.ratio !== undefined);
    const best = ratios.sort((a, b) => a.ratio - b.ratio)[0];
    const own = ratio('map') === undefined ? undefined : 1 / ratio('map');
    return {
      ...target,
      best,
      own,
      aheadOfPeers: peers === undefined || best === undefined ? undefined : best.ratio >= peers,
      withinMap: map === undefined || own === undefined ? undefined : own <= map,
    };
  });
}
