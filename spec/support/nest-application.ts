/**
 * An application that a spec starts in a process of its own: notes over HTTP, on disk. The first argument is the path of
 * the store, the second says whether it listens to signals. It prints its address, and when a slow request has arrived, and
 * ends as NestJS ends it.
 */
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Body,
  Controller,
  Get,
  Injectable,
  Module,
  type OnApplicationShutdown,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Database, TableManager } from '../../lib/index.js';
import { Durable, InjectDatabase, InjectTable, WorkTableModule } from '../../lib/nestjs/index.js';
import { Note, Visit } from './notes.js';

const [path = '', hooks] = process.argv.slice(2);

let tell: () => void;
const told = new Promise<void>((resolve) => {
  tell = resolve;
});

@Controller('notes')
class NotesController {
  constructor(
    @InjectTable(Note) private readonly notes: TableManager<typeof Note>,
    @InjectDatabase() private readonly db: Database,
  ) {}

  @Get()
  count(): number {
    return this.notes.count();
  }

  @Post()
  @Durable()
  create(@Body() { text }: { text: string }): { id: number } {
    return { id: this.notes.insert({ text }) };
  }

  /** Writes, and answers, when the application has been told to end. */
  @Post('slow')
  async createSlowly(@Body() { text }: { text: string }): Promise<{ id: number; closed: boolean }> {
    process.stdout.write('slow\n');
    await told;
    await sleep(50);
    return { id: this.notes.insert({ text }), closed: this.db.closed };
  }
}

/** Writes at the last moments that NestJS gives it. */
@Injectable()
class Diary implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@InjectTable(Visit) private readonly visits: TableManager<typeof Visit>) {}

  beforeApplicationShutdown(signal?: string): void {
    this.visits.insert({ page: `before ${signal}` });
    tell();
  }

  async onApplicationShutdown(signal?: string): Promise<void> {
    await sleep(50);
    this.visits.insert({ page: `after ${signal}` });
  }
}

@Module({ imports: [WorkTableModule.forFeature([Visit])], providers: [Diary] })
class DiaryModule {}

@Module({
  imports: [WorkTableModule.forRoot({ path }), WorkTableModule.forFeature([Note]), DiaryModule],
  controllers: [NotesController],
})
class AppModule {}

const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: ['error', 'fatal'] });
if (hooks === 'hooks') app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
process.stdout.write(`${await app.getUrl()}\n`);
