import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ReadableStream } from 'node:stream/web';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { from, lastValueFrom, take, toArray } from 'rxjs';
import { type ChangeEvent, Column, Database, PrimaryKey, Table } from '../../lib/index.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

@Table()
class Note {
  @PrimaryKey('autoincrement') id!: number;
  @Column() text!: string;
}

const directory = temporaryDirectories();

function waitersOf(db: Database): number {
  return (db as unknown as { feeds: { waiting: Set<unknown> } }).feeds.waiting.size;
}

describe.each(['in memory', 'on disk'])('a feed as a stream, %s', (kind) => {
  async function filled(count: number): Promise<Database> {
    const options = { tables: [Note], changes: {} };
    const db = await Database.open(kind === 'in memory' ? options : { ...options, path: directory() });
    for (let n = 0; n < count; n++) db.table(Note).insert({ text: `note ${n}` });
    return db;
  }

  it('goes through a pipeline to its end', async () => {
    const db = await filled(500);
    const keys: unknown[] = [];
    const sink = new Writable({
      objectMode: true,
      write(event: ChangeEvent, _encoding, done) {
        keys.push(event.key);
        void setImmediate().then(() => done());
      },
    });
    const double = new Transform({ objectMode: true, transform: (event, _encoding, done) => done(null, event) });
    const running = pipeline(Readable.from(db.changes({ from: 0 })), double, sink);
    db.table(Note).insert({ text: 'meanwhile' });
    await db.close();
    await running;
    expect(keys).toEqual(Array.from({ length: 501 }, (_, n) => n + 1));
  });

  it('is ended by a sink that fails, by a destroyed stream and by a signal, and leaves nothing behind', async () => {
    const db = await filled(100);
    const failing = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: (event: ChangeEvent, _encoding, done) => done(event.lsn === 50 ? new Error('the sink fails') : null),
    });
    await expect(pipeline(Readable.from(db.changes({ from: 0 })), failing)).rejects.toThrow('the sink fails');
    const stream = Readable.from(db.changes());
    stream.on('data', () => undefined);
    await setImmediate();
    expect(waitersOf(db)).toBe(1);
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(waitersOf(db)).toBe(0);
    const controller = new AbortController();
    const feed = db.changes({ signal: controller.signal });
    const running = pipeline(Readable.from(feed), new Writable({ objectMode: true, write: (_event, _encoding, done) => done() }));
    const rejected = expect(running).rejects.toMatchObject({ name: 'AbortError' });
    await setImmediate();
    controller.abort();
    await rejected;
    expect(waitersOf(db)).toBe(0);
    await db.close();
  });

  it('hands a truncated position on as an error of the pipeline', async () => {
    const db = await filled(10);
    const feed = db.changes({ from: 11 });
    await expect(pipeline(Readable.from(feed), new Writable({ objectMode: true }))).rejects.toMatchObject({ code: 'WT_OFFSET_AHEAD' });
    await db.close();
  });

  it('is a web stream by ReadableStream.from, and is ended by cancel', async () => {
    const db = await filled(10);
    const from = (ReadableStream as unknown as { from<T>(source: AsyncIterable<T>): ReadableStream<T> }).from;
    const reader = from.call(ReadableStream, db.changes({ from: 0 })).getReader() as ReadableStreamDefaultReader<ChangeEvent>;
    const keys: unknown[] = [];
    while (keys.length < 10) keys.push((await reader.read()).value?.key);
    expect(keys).toEqual(Array.from({ length: 10 }, (_, n) => n + 1));
    const pending = reader.read();
    await setImmediate();
    await reader.cancel();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(waitersOf(db)).toBe(0);
    await db.close();
  });

  it('is an observable to RxJS: each subscription from the same position, ended when it is unsubscribed', async () => {
    const db = await filled(10);
    const observable = from(db.changes({ from: 5 }));
    const first = lastValueFrom(observable.pipe(take(5), toArray()));
    const second = lastValueFrom(observable.pipe(take(3), toArray()));
    expect((await first).map(({ key }) => key)).toEqual([6, 7, 8, 9, 10]);
    expect((await second).map(({ key }) => key)).toEqual([6, 7, 8]);
    const keys: unknown[] = [];
    const subscription = from(db.changes()).subscribe((event) => keys.push(event.key));
    await setImmediate();
    expect(waitersOf(db)).toBe(1);
    db.table(Note).insert({ text: 'now' });
    while (keys.length === 0) await setImmediate();
    subscription.unsubscribe();
    expect(waitersOf(db)).toBe(0);
    const completed = lastValueFrom(from(db.changes({ from: 9 })).pipe(toArray()));
    const failed = lastValueFrom(from(db.changes({ from: 99 })));
    await expect(failed).rejects.toMatchObject({ code: 'WT_OFFSET_AHEAD' });
    await db.close();
    expect((await completed).map(({ key }) => key)).toEqual([10, 11]);
    expect(keys).toEqual([11]);
  });
});
