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
  { trial: 'insertThenRead', title: 'insertMany, and a first read by each index', peers: 2, map: 1 / 1.5 },
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

/**
 * What was set beyond single figures, of what runs have saved.
 *
 * @typedef {object} Reached
 * @property {string} title
 * @property {string} wanted
 * @property {string} measured
 * @property {boolean} [holds] of what was only to be shown, nothing
 *
 * @param {(name: string) => any} figuresOf what a run has saved, or nothing
 * @returns {Reached[]}
 */
export function reachedBeyond(figuresOf) {
  return [
    ...durableReached(figuresOf('durable')),
    ...openReached(figuresOf('open')),
    ...growthReached(figuresOf('growth')),
    ...pausesReached(figuresOf('pauses')),
    ...wholeReached(figuresOf('ycsb')?.times, figuresOf('order-book')?.found),
  ];
}

/** How many times better-sqlite3's durable commits a second, by commits in flight. */
const DURABLE = { 1: 1.2, 100: 5, 1000: 10 };

function durableReached(figures) {
  if (figures === undefined) return [];
  const { inFlight, againstFull, share } = figures;
  const lines = Object.entries(DURABLE).map(([count, times]) => {
    const ratio = againstFull?.[inFlight.indexOf(Number(count))];
    const title = `durable commits, ${Number(count).toLocaleString('en')} in flight, against better-sqlite3 FULL`;
    return {
      title,
      wanted: `at least ${times}`,
      measured: ratio?.toFixed(2) ?? '–',
      holds: ratio === undefined ? undefined : ratio >= times,
    };
  });
  const measured = share == null ? '–' : `${(share * 100).toFixed(0)} %`;
  return [...lines, { title: "the sync's share of a durable commit's time, one in flight", wanted: '–', measured }];
}

const OPEN_AT_MOST = 2;

function openReached(figures) {
  if (figures === undefined) return [];
  return figures.least.flatMap(({ name, open, read }) => {
    const from = `${figures.size.toLocaleString('en')} rows ${name === 'log' ? 'from the log alone' : 'from a checkpoint'}`;
    const line = (title, ratio) => ({ title, wanted: `at most ${OPEN_AT_MOST}`, measured: ratio.toFixed(2), holds: ratio <= OPEN_AT_MOST });
    const least = 'against reading, checksums and decoding each row once';
    return [line(`open ${from}, ${least}`, open), line(`open ${from} and read by each index, ${least}`, read)];
  });
}

const GROWN = {
  insertMany: 'insertMany, a row',
  get: 'get by key',
  unique: 'get by unique',
  update: 'an update of a plain column',
  updateIndexed: 'an update of an indexed column',
  range: 'an ordered range of 100',
};

/** Time an operation at the largest size for that at the smallest, which is to be no more than the logarithms' ratio. */
function growthReached({ found = [], machine } = {}) {
  const own = found.find(({ name }) => name === 'worktable');
  if (own === undefined) return [];
  const [first, last] = [own.lines[0], own.lines.at(-1)];
  const most = Math.log(last.size) / Math.log(first.size);
  const sizes = `${first.size.toLocaleString('en')} to ${last.size.toLocaleString('en')} rows`;
  const grown = Object.keys(first.figures).map((operation) => {
    const times = timesOf(own.lines, operation);
    return {
      title: `growth of ${GROWN[operation] ?? operation}, ${sizes}`,
      wanted: `at most ${most.toFixed(2)}`,
      measured: times.toFixed(2),
      holds: times <= most,
    };
  });
  const ended = found.map(({ title, most: filled, ended: reason }) => ({
    title: `${title}: the most rows with Node's default heap`,
    wanted: '–',
    measured: `${filled.toLocaleString('en')}${reason === undefined ? '' : `, then ${reason}`}`,
  }));
  const memory = {
    title: `growth of two reads of the machine's memory, no store around them, ${sizes}`,
    wanted: '–',
    measured: timesOf(machine, 'get').toFixed(2),
  };
  return [...grown, memory, ...ended];
}

/** How many times as long an operation takes at the last size as at the first. */
function timesOf(lines, operation) {
  return lines.at(-1).figures[operation] / lines[0].figures[operation];
}

function pausesReached(figures) {
  const own = figures?.found.find(({ store }) => store === 'worktable');
  const map = figures?.found.find(({ store }) => store === 'map');
  if (own === undefined || map === undefined) return [];
  const beside = (title, value) => ({ title, wanted: '–', measured: `${value(own)} (the map by hand: ${value(map)})` });
  const ms = (us) => `${(us / 1000).toPrecision(3)} ms`;
  return [
    ...['reads', 'writes'].flatMap((kind) => [
      beside(`${kind} under a steady load, p99.9`, (one) => ms(one[kind].p999)),
      beside(`${kind} under a steady load, longest`, (one) => ms(one[kind].longest)),
    ]),
    beside('garbage collection a million operations', ({ perMillionMs }) => `${perMillionMs.toFixed(0)} ms`),
  ];
}

/** Operations a second beside the best peer, and beside the map by hand: nothing was set, they were to be shown. */
function wholeReached(workloads = {}, replays = []) {
  const book = Object.fromEntries(replays.map(({ store, times }) => [store, times]));
  const lines = [
    ...Object.entries(workloads).map(([name, by]) => [`YCSB ${name}`, by]),
    ...(replays.length > 0 ? [['order book', book]] : []),
  ];
  return lines.map(([title, by]) => {
    const ratios = PEERS.filter((name) => by[name] !== undefined).map((name) => ({ name, ratio: by[name] }));
    const best = ratios.sort((a, b) => a.ratio - b.ratio)[0];
    const peer = best === undefined ? '–' : `${best.ratio.toFixed(2)} (${best.name})`;
    const map = by.map === undefined ? '' : `, the map by hand: ${by.map.toFixed(2)}`;
    return { title: `${title}: operations a second, against the best peer`, wanted: '–', measured: `${peer}${map}` };
  });
}
