/**
 * Another process, that follows the shop: with an audit log, a search index, and a copy of the table. Each is at one
 * position, stores it with what it has done, and passes over what comes again; so it may be killed at any moment.
 */
import { closeSync, existsSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChangeEvent, CommitEvent } from '../../lib/index.js';
import type { Request } from './serve.js';
import { openCopy, openSearch, Posting, Product, Progress, placesIn, plain, wordsOf } from './shop.js';

const [folder = '', until = 'Infinity'] = process.argv.slice(2);
const places = placesIn(folder);
const last = Number(until);

/** The transactions that come on a connection, until it breaks: the leader may be killed in the middle of a line. */
async function* commitsOn(socket: Socket): AsyncGenerator<CommitEvent> {
  let rest = '';
  try {
    for await (const part of socket.setEncoding('utf8')) {
      const lines = (rest + part).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) yield plain.readCommit(JSON.parse(line));
    }
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('E') !== true) throw error; // not of the connection
  }
}

/** Asks the leader again and again, until `position` is the last one. */
async function follow(
  ask: () => Request,
  position: () => number,
  take: (commits: AsyncIterable<CommitEvent>, socket: Socket) => Promise<unknown>,
) {
  while (position() < last) {
    const socket = connect(places.socket);
    socket.on('error', () => undefined); // there is no leader for now
    socket.write(`${JSON.stringify(ask())}\n`);
    const watch = setInterval(() => position() >= last && socket.destroy(), 20);
    await take(commitsOn(socket), socket).finally(() => clearInterval(watch));
    socket.destroy();
    await pause(10);
  }
}

/** A line for each transaction, synced before it is acknowledged. */
async function audit(): Promise<void> {
  const known = existsSync(places.audit) ? readFileSync(places.audit, 'utf8') : '';
  const whole = known.slice(0, known.lastIndexOf('\n') + 1);
  const file = openSync(places.audit, 'a');
  ftruncateSync(file, Buffer.byteLength(whole)); // a line that was cut off
  let lsn = whole === '' ? 0 : (JSON.parse(whole.trimEnd().split('\n').at(-1) as string) as { lsn: number }).lsn;
  await follow(
    () => ({ consumer: 'audit' }),
    () => lsn,
    async (commits, socket) => {
      for await (const commit of commits) {
        if (commit.lsn > lsn) {
          writeSync(file, `${JSON.stringify(plain.commit(commit))}\n`);
          fdatasyncSync(file);
          lsn = commit.lsn;
        }
        socket.write(`${commit.lsn}\n`);
      }
    },
  );
  closeSync(file);
}

/** The words of a transaction's products, and its position, in one transaction. */
async function search(): Promise<void> {
  const db = await openSearch(places.search);
  const progress = db.table(Progress);
  const postings = db.table(Posting);
  const position = () => progress.select('products')?.lsn ?? 0;
  const index = ({ before, after }: ChangeEvent<Product>): void => {
    for (const word of wordsOf(before)) postings.delete([word, (before as Product).id]);
    for (const word of wordsOf(after)) postings.insert({ word, product: (after as Product).id });
  };
  await follow(
    () => ({ consumer: 'search' }),
    position,
    async (commits, socket) => {
      for await (const { lsn, changes } of commits) {
        if (lsn > position()) {
          db.transaction(() => {
            for (const change of changes) index(change as ChangeEvent<Product>);
            progress.upsert({ of: 'products', lsn });
          });
          await db.waitForOps();
        }
        socket.write(`${lsn}\n`);
      }
    },
  );
  await db.close();
}

/** The table itself: `apply` does all of it. */
async function copy(): Promise<void> {
  const db = await openCopy(places.copy);
  const position = () => db.appliedLsn('shop');
  await follow(
    () => ({ from: position() }),
    position,
    async (commits) => {
      await db.apply(commits, { source: 'shop', tables: [Product] }).catch((error: unknown) => {
        if ((error as { code?: string }).code !== 'WT_EVENT_FORMAT') throw error; // the leader was killed within an image
      });
    },
  );
  await db.close();
}

writeSync(1, 'ready\n');
await Promise.all([audit(), search(), copy()]);
