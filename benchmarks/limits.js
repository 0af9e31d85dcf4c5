/**
 * What the machine does at best: reading an object out of an array, copying a row's bytes, decoding them, at random; and
 * beside each the call of worktable that cannot be faster than that. A process for each line; saved under `results`.
 *
 *     node benchmarks/limits.js [sizes, by commas]
 */
import { runChild } from './child.js';
import { Dataset } from './dataset.js';
import { measure } from './measure.js';
import { build, identity, saveReport } from './setup.js';
import { everyColumn } from './trials.js';

const OPERATIONS = 100_000;
const ROUNDS = 9;
const PAGE_BYTES = 2 ** 16;
/** Rows begin at words, so that they can be copied in a loop, which is faster than a native call for as few bytes. */
const WORD_BYTES = 4;
const LIMIT_MS = 120_000;

/**
 * By name: `prepare` makes rows, untimed, and gives what is timed, once for each of `places`, which are at random.
 *
 * @type {Record<string, { title: string, prepare: (data: Dataset) => Promise<(places: Int32Array) => number> }>}
 */
const LIMITS = {
  arrayOne: {
    title: 'an object of an array, one column read',
    prepare: async (data) => {
      const objects = objectsOf(data);
      return (places) => {
        let sum = 0;
        for (let n = 0; n < places.length; n++) sum += objects[places[n]].score;
        return sum;
      };
    },
  },
  arrayEvery: {
    title: 'an object of an array, every column read',
    prepare: async (data) => {
      const objects = objectsOf(data);
      return (places) => {
        let sum = 0;
        for (let n = 0; n < places.length; n++) sum += everyColumn(objects[places[n]]);
        return sum;
      };
    },
  },
  copy: {
    title: "a row's bytes copied out of its page",
    prepare: async (data) => {
      const { words, pageOf, starts, lengths } = await encoded(data);
      const target = new Int32Array(PAGE_BYTES / WORD_BYTES);
      return (places) => {
        for (let n = 0; n < places.length; n++) {
          const row = places[n];
          copyWords(words[pageOf[row]], starts[row] / WORD_BYTES, lengths[row] / WORD_BYTES, target, 0);
        }
        return target[0];
      };
    },
  },
  decodeOne: {
    title: 'a row decoded out of its page, one column read',
    prepare: async (data) => decoding(await encoded(data), ({ score }) => score),
  },
  decodeEvery: {
    title: 'a row decoded out of its page, every column read',
    prepare: async (data) => decoding(await encoded(data), everyColumn),
  },
  write: {
    title: "eight bytes written over a row's",
    prepare: async (data) => {
      const { pages, pageOf, starts } = await encoded(data);
      return (places) => {
        for (let n = 0; n < places.length; n++) pages[pageOf[places[n]]].writeDoubleLE(n, starts[places[n]]);
        return places.length;
      };
    },
  },
  append: {
    title: "a row's bytes copied behind the last row",
    prepare: async (data) => {
      const { words, pageOf, starts, lengths } = await encoded(data);
      const target = words.map(() => new Int32Array(PAGE_BYTES / WORD_BYTES));
      let [page, at] = [0, 0];
      return (places) => {
        for (let n = 0; n < places.length; n++) {
          const row = places[n];
          const length = lengths[row] / WORD_BYTES;
          if (at + length > target[page].length) [page, at] = [(page + 1) % target.length, 0];
          copyWords(words[pageOf[row]], starts[row] / WORD_BYTES, length, target[page], at);
          at += length;
        }
        return at;
      };
    },
  },
  encode: {
    title: 'a row validated and encoded',
    prepare: async (data) => {
      const codec = await accountCodec();
      const objects = objectsOf(data);
      const values = [];
      const target = Buffer.alloc(PAGE_BYTES);
      return (places) => {
        let at = 0;
        for (let n = 0; n < places.length; n++) {
          codec.collect(objects[places[n]], values, 'replace');
          at = codec.encode(values, target, at > PAGE_BYTES / 2 ? 0 : at);
        }
        return at;
      };
    },
  },
};

/** worktable's calls, each beside what it cannot do without. */
const COMPARED = [
  { trial: 'getByKey', title: 'get by key, one column read', limits: ['arrayOne', 'copy', 'decodeOne'] },
  { trial: 'readByKey', title: 'get by key, every column read', limits: ['arrayEvery', 'copy', 'decodeEvery'] },
  { trial: 'updatePlain', title: 'update of a plain column', limits: ['write', 'copy'] },
  { trial: 'insert', title: 'insert, one by one', limits: ['append', 'encode'] },
];

const argument = process.argv[2];
if (argument?.startsWith('{')) await runOne(JSON.parse(argument));
else await compare(argument?.split(',').map(Number) ?? [100_000, 1_000_000]);

async function runOne({ limit, size }) {
  const data = new Dataset(size);
  const run = await LIMITS[limit].prepare(data);
  globalThis.gc();
  let leastNs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const places = Int32Array.from(data.keys(OPERATIONS), (key) => key - 1);
    const began = performance.now();
    const used = run(places);
    leastNs = Math.min(leastNs, ((performance.now() - began) * 1e6) / OPERATIONS);
    if (Number.isNaN(used)) throw new Error('a row is no row');
  }
  console.log(JSON.stringify({ value: leastNs }));
}

function objectsOf(data) {
  return Array.from({ length: data.size }, (_, n) => ({ id: n + 1, ...data.row(n) }));
}

/** Imported here, since the build comes first. */
async function accountCodec() {
  const { buildSchemas } = await import('../dist/lib/schema/build-schema.js');
  const { createCodec } = await import('../dist/lib/schema/create-codec.js');
  const { accountClass } = await import('./stores/worktable.js');
  const [schema] = buildSchemas([accountClass('hash')]);
  return createCodec(schema);
}

function copyWords(source, from, length, target, to) {
  for (let n = 0; n < length; n++) target[to + n] = source[from + n];
}

/** All rows in pages, one behind the other, each from a word to a word. */
async function encoded(data) {
  const codec = await accountCodec();
  const pages = [Buffer.alloc(PAGE_BYTES)];
  const pageOf = new Int32Array(data.size);
  const starts = new Int32Array(data.size);
  const lengths = new Int32Array(data.size);
  const values = [];
  let at = 0;
  for (let n = 0; n < data.size; n++) {
    codec.collect({ id: n + 1, ...data.row(n) }, values, 'replace');
    let end = codec.encode(values, pages.at(-1), at);
    if (end > PAGE_BYTES) {
      pages.push(Buffer.alloc(PAGE_BYTES));
      at = 0;
      end = codec.encode(values, pages.at(-1), 0);
    }
    end = Math.ceil(end / WORD_BYTES) * WORD_BYTES;
    pageOf[n] = pages.length - 1;
    starts[n] = at;
    lengths[n] = end - at;
    at = end;
  }
  const words = pages.map(({ buffer, byteOffset }) => new Int32Array(buffer, byteOffset, PAGE_BYTES / WORD_BYTES));
  return { codec, pages, words, pageOf, starts, lengths };
}

function decoding({ codec, pages, pageOf, starts }, touch) {
  return (places) => {
    let sum = 0;
    for (let n = 0; n < places.length; n++) sum += touch(codec.decode(pages[pageOf[places[n]]], starts[places[n]]));
    return sum;
  };
}

async function compare(sizes) {
  build();
  const found = [];
  for (const size of sizes) {
    const limits = {};
    for (const limit of Object.keys(LIMITS)) {
      const flags = ['--expose-gc', '--max-old-space-size=8192'];
      const { lines, ended } = await runChild('limits.js', { limit, size }, { flags, limitMs: LIMIT_MS });
      if (lines.length === 0) throw new Error(`${limit}: ${ended}`);
      limits[limit] = lines[0].value;
    }
    const own = {};
    for (const { trial } of COMPARED) own[trial] = (await measure({ store: 'worktable', trial, size, quick: false })).value;
    found.push({ size, limits, own });
  }
  const report = markdown(found);
  console.log(report);
  saveReport('limits', report, found);
}

function markdown(found) {
  const head = `| | ${found.map(({ size }) => `${size.toLocaleString('en')} rows`).join(' | ')} |\n|---|${found.map(() => '---:').join('|')}|`;
  const best = Object.entries(LIMITS).map(
    ([name, { title }]) => `| ${title} | ${found.map(({ limits }) => limits[name].toFixed(0)).join(' | ')} |`,
  );
  const ratios = COMPARED.flatMap(({ trial, title, limits }) =>
    limits.map((limit) => {
      const cells = found.map((one) => (one.own[trial] / one.limits[limit]).toFixed(2));
      return `| ${title}, against ${LIMITS[limit].title} | ${cells.join(' | ')} |`;
    }),
  );
  return `${[
    '# How far from what the machine can do',
    `${identity()}: each line the least of ${ROUNDS} rounds of ${OPERATIONS.toLocaleString('en')} rows at random, in a process of its own; worktable's are the medians of its trials, as everywhere.`,
    `## Nanoseconds a row, with nothing around it\n\n${head}\n${best.join('\n')}`,
    `## worktable's time divided by that\n\n${head}\n${ratios.join('\n')}`,
  ].join('\n\n')}\n`;
}
