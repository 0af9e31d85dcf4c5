import 'reflect-metadata';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Inject, Module, Post, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { from, type Observable } from 'rxjs';
import { Database, type TableManager } from '../../lib/index.js';
import { Durable, InjectTable, type WorkTableHealth, WorkTableHealthIndicator, WorkTableModule } from '../../lib/nestjs/index.js';
import { FileEngine } from '../../lib/persistence/file-engine.js';
import type { TransactionGroup } from '../../lib/persistence/transaction-group.js';
import { RecordingDisk } from '../support/crash-disk.js';
import { SMALL } from '../support/crash-workload.js';
import { Note } from '../support/notes.js';

/** Stores nothing while its gate is shut, and then whatever its disk says. */
class GatedEngine extends FileEngine {
  private gate: Promise<void> = Promise.resolve();
  letGo: () => void = () => undefined;

  shut(): void {
    this.gate = new Promise((resolve) => {
      this.letGo = resolve;
    });
  }

  override async write(group: TransactionGroup): Promise<void> {
    await this.gate;
    return super.write(group);
  }
}

const arrivals = new EventEmitter();

@Controller('notes')
class NotesController {
  constructor(@InjectTable(Note) private readonly notes: TableManager<typeof Note>) {}

  @Get()
  texts(): string[] {
    return [...this.notes.selectAll()].map(({ text }) => text);
  }

  @Post()
  @Durable()
  create(@Body() { text }: { text: string }): { id: number } {
    return { id: this.notes.insert({ text }) };
  }

  @Post('at-once')
  createAtOnce(@Body() { text }: { text: string }): { id: number } {
    return { id: this.notes.insert({ text }) };
  }

  @Post('slow')
  async createSlowly(@Body() { text }: { text: string }): Promise<{ id: number }> {
    arrivals.emit('slow');
    await sleep(100);
    return { id: this.notes.insert({ text }) };
  }

  @Sse('stream')
  @Durable()
  stream(): Observable<{ data: number }> {
    return from(['x', 'y'].map((text) => ({ data: this.notes.insert({ text }) })));
  }
}

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly terminus: HealthCheckService,
    @Inject(WorkTableHealthIndicator) private readonly workTable: WorkTableHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.terminus.check([() => this.workTable.check('notes', { timeoutMs: 150 })]);
  }

  @Get('plain')
  plain(): Promise<WorkTableHealth> {
    return this.workTable.check();
  }
}

const started: { app: NestExpressApplication; engine: GatedEngine }[] = [];
afterEach(async () => {
  for (const { app, engine } of started.splice(0)) {
    engine.letGo();
    await app.close();
  }
});

async function start() {
  const disk = new RecordingDisk();
  const engine = new GatedEngine(disk, SMALL);
  @Module({
    imports: [WorkTableModule.forRoot({ engine }), WorkTableModule.forFeature([Note]), TerminusModule],
    controllers: [NotesController, HealthController],
  })
  class AppModule {}
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: false, abortOnError: false });
  started.push({ app, engine });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const ask = async (path: string, text?: string) => {
    const body =
      text === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) };
    const response = await fetch(`${url}${path}`, body);
    return { status: response.status, body: await response.text() };
  };
  return { app, ask, disk, engine, db: app.get(Database) };
}

/** Resolves with the next commit. */
function committed(db: Database): Promise<void> {
  return new Promise((resolve) => {
    db.once('commit', () => resolve());
  });
}

/** Whether a promise is still open after everything that could settle it has had its turn. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  return (await Promise.race([promise, sleep(100, open)])) === open;
}

describe('a NestJS application over HTTP', () => {
  it('answers a durable request when what it wrote is durable, and no sooner', async () => {
    const { ask, engine, db } = await start();
    engine.shut();
    const written = committed(db);
    const durable = ask('/notes', 'a');
    await written;
    expect(await isOpen(durable)).toBe(true);
    expect(db.lsn).toBe(1);
    expect(db.durableLsn).toBe(0);
    expect(await ask('/notes/at-once', 'b')).toEqual({ status: 201, body: '{"id":2}' });
    engine.letGo();
    expect(await durable).toEqual({ status: 201, body: '{"id":1}' });
    expect(db.durableLsn).toBeGreaterThanOrEqual(1);
    expect(await ask('/notes')).toEqual({ status: 200, body: '["a","b"]' });
  });

  it('sends each value of a durable stream when what was written is durable', async () => {
    const { ask, engine, db } = await start();
    engine.shut();
    const written = committed(db);
    const streamed = ask('/notes/stream');
    await written;
    expect(await isOpen(streamed)).toBe(true);
    engine.letGo();
    expect((await streamed).body.match(/data: \d/g)).toEqual(['data: 1', 'data: 2']);
  });

  it('fails a durable request whose store failed, answers reads, and is not healthy', async () => {
    const { ask, disk, engine, db } = await start();
    expect(await ask('/notes', 'a')).toMatchObject({ status: 201 });
    expect(JSON.parse((await ask('/health')).body)).toMatchObject({
      status: 'ok',
      info: { notes: { status: 'up', lsn: 1, durableLsn: 1, queuedBytes: 0 } },
    });
    engine.shut();
    const written = committed(db);
    const durable = ask('/notes', 'b');
    await written;
    disk.fault = () => {
      throw Object.assign(new Error('broken'), { code: 'EIO' });
    };
    engine.letGo();
    expect((await durable).status).toBe(500);
    expect((await ask('/notes/at-once', 'c')).status).toBe(500);
    expect(await ask('/notes')).toEqual({ status: 200, body: '["a","b"]' });
    const health = await ask('/health');
    expect(health.status).toBe(503);
    expect(JSON.parse(health.body).error.notes).toMatchObject({
      status: 'down',
      message: expect.stringContaining('the store failed (EIO)'),
    });
    expect(JSON.parse((await ask('/health/plain')).body)).toMatchObject({ worktable: { status: 'down', lsn: 2, durableLsn: 1 } });
  });

  it('is not healthy while its disk is full or hangs, and is again after that', async () => {
    const { ask, engine, db } = await start();
    engine.shut();
    await ask('/notes/at-once', 'a');
    const health = await ask('/health');
    expect(health.status).toBe(503);
    expect(JSON.parse(health.body).error.notes).toMatchObject({
      status: 'down',
      lsn: 1,
      durableLsn: 0,
      message: 'what was committed is not durable after 150 ms',
    });
    engine.letGo();
    await db.waitForOps();
    expect((await ask('/health')).status).toBe(200);
  });

  it('ends requests that are under way, and closes then', async () => {
    const { app, ask, db, disk } = await start();
    const arrived = once(arrivals, 'slow');
    const slow = ask('/notes/slow', 'slow');
    await arrived;
    const closing = app.close();
    expect(await slow).toEqual({ status: 201, body: '{"id":1}' });
    await closing;
    expect(db.closed).toBe(true);
    expect(await app.get(WorkTableHealthIndicator).check('gone')).toMatchObject({
      gone: { status: 'down', message: 'the database is closed' },
    });
    const again = await Database.open({ engine: new FileEngine(disk, SMALL), tables: [Note] });
    expect(again.recovery?.clean).toBe(true);
    expect([...again.table(Note).selectAll()].map(({ text }) => text)).toEqual(['slow']);
    expect([...again.check()]).toEqual([]);
    await again.close();
  });
});

describe('WorkTableHealthIndicator', () => {
  it('tells of a database by its name, in memory too', async () => {
    @Module({ imports: [WorkTableModule.forRoot({ name: 'archive', tables: [Note] })] })
    class AppModule {}
    const context = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    const indicator = context.get(WorkTableHealthIndicator);
    const expected = { archive: { status: 'up', lsn: 0, durableLsn: 0 } };
    expect(await indicator.check('archive', { database: 'archive' })).toEqual(expected);
    await expect(indicator.check('default')).rejects.toThrow(/Database/);
    await context.close();
  });
});
