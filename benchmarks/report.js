import { BASE, ratioOf } from './ratios.js';
import { mostOf, STORES } from './stores/stores.js';
import { TRIALS } from './trials.js';

/**
 * The tables of a run: for each size, one of ratios, and one of the figures that they come from.
 *
 * @param {import('./run.js').Run} run
 */
export function markdown(run) {
  const { version, commit, dirty, node, platform, date, sizes, quick } = run;
  const stores = STORES.filter(({ name }) => run.stores.includes(name));
  const peers = stores.filter(({ name }) => run.versions[name] !== undefined).map(({ name, title }) => `${title} (${run.versions[name]})`);
  const parts = [
    '# Benchmarks',
    [
      `worktable ${version}, commit ${commit}${dirty ? ' with changes not committed' : ''}, Node ${node} on ${platform}, ${date}.`,
      `Rows: ${sizes.map(thousands).join(' and ')}, of eight columns: an auto-incremented key, one unique and two plain indexes,`,
      'four columns without; a fixed seed. Every trial of every store had a process of its own, filled and warmed up. Then the',
      `rounds of all stores were timed in turns: a figure is the median of its rounds, a ratio that of what each turn gave.${quick ? ' **A quick run: a check that all works, and no measurement.**' : ''}`,
    ].join('\n'),
    peers.length > 0 ? `Beside it: ${peers.join(', ')}.` : '',
    [
      'Machines are noisy and differ, so the ratios are what counts:',
      'a store’s time divided by worktable’s. **Above 1, worktable is faster** (of bytes: smaller).',
    ].join('\n'),
    ...sizes.flatMap((size) => [
      `## ${thousands(size)} rows: ratios`,
      ratios(run, stores, size),
      `## ${thousands(size)} rows: figures`,
      figures(run, stores, size),
    ]),
    notes(run, stores),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function ratios(run, stores, size) {
  const others = stores.filter(({ name }) => name !== BASE);
  const body = lines(run).map(({ trial, title, field }) => [
    title,
    ...others.map(({ name }) => {
      const ratio = ratioOf(run.results, { trial, size, store: name, field });
      return ratio === undefined ? absence(run, trial, size, name) : ratio.toFixed(2);
    }),
  ]);
  return table(['', ...others.map(({ title }) => title)], body);
}

function figures(run, stores, size) {
  const body = lines(run).map(({ trial, title, unit, field }) => [
    `${title}, ${unit}`,
    ...stores.map(({ name }) => {
      const result = run.results.find((r) => r.trial === trial && r.size === size && r.store === name);
      const value = result?.[field];
      return value === undefined ? absence(run, trial, size, name) : `${rounded(value)}${result.cut ? ' *' : ''}`;
    }),
  ]);
  return table(['', ...stores.map(({ title }) => title)], body);
}

/** The lines of a table: one a trial, and two of the trial that gives two figures. */
function lines(run) {
  return TRIALS.filter(({ name }) => run.trials.includes(name)).flatMap(({ name, title, unit, memory }) => {
    if (!memory) return [{ trial: name, title, unit, field: 'value' }];
    return [
      { trial: name, title: 'memory', unit, field: 'value' },
      { trial: name, title: 'of it on the JavaScript heap', unit, field: 'heap' },
    ];
  });
}

function absence(run, trial, size, store) {
  const found = run.results.find((r) => r.trial === trial && r.size === size && r.store === store);
  return found === undefined || found.status === 'measured' ? '–' : found.status;
}

function table(head, body) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...body.map(row)].join('\n');
}

function notes(run, stores) {
  const notes = stores.flatMap(({ note }) => note ?? []);
  if (run.results.some(({ cut }) => cut))
    notes.push('\\* A round was ended for want of time; of inserts, the store was smaller than by the others’ end.');
  for (const { name, title } of stores) {
    const memory = run.results.find((result) => result.store === name && result.measured !== undefined);
    if (memory !== undefined) notes.push(`Memory of ${title}: ${memory.measured}.`);
  }
  for (const size of run.sizes) {
    const left = stores.filter(({ name, most }) => most < size && !run.results.some((r) => r.store === name && r.size === size));
    if (left.length > 0) notes.push(`Not measured with ${thousands(size)} rows: ${left.map(({ title }) => title).join(', ')}.`);
    const endless = stores.filter(({ name, endless = [] }) => endless.some((trial) => size > mostOf(name, trial)));
    for (const { title } of endless)
      notes.push(`With ${thousands(size)} rows ${title} is not tried in what does not end in time with fewer.`);
  }
  for (const { store, reason } of run.unavailable) notes.push(`${store} is not available here: ${reason}.`);
  return notes.map((note) => `- ${note}`).join('\n');
}

function thousands(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ' ');
}

function rounded(value) {
  return value >= 100 ? thousands(Math.round(value)) : value.toFixed(1);
}
