import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Database } from '../../lib/index.js';
import { Note, Visit } from '../support/notes.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const directory = temporaryDirectories();

/** Starts the application in a process of its own. */
async function start(path: string, hooks: boolean): Promise<{ child: ChildProcess; url: string }> {
  const args = ['--import', './spec/support/typescript.js', 'spec/support/nest-application.ts', path, hooks ? 'hooks' : 'none'];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let errors = '';
  child.stderr?.on('data', (part: Buffer) => {
    errors += part;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (line: Buffer) => resolve(String(line).trim()));
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${errors}`)));
  });
  return { child, url };
}

interface Writers {
  /** What was answered with 201. */
  readonly acknowledged: Set<string>;
  readonly ended: Promise<void>;
}

/** Eight clients that write notes, one after another, until nobody answers. */
function writers(url: string): Writers {
  const acknowledged = new Set<string>();
  const writer = async (who: number): Promise<void> => {
    for (let n = 0; ; n++) {
      const text = `${who}/${n}`;
      const response = await post(`${url}/notes`, text);
      if (response === undefined) return;
      expect(response.status).toBe(201);
      acknowledged.add(text);
    }
  };
  return { acknowledged, ended: Promise.all(Array.from({ length: 8 }, (_, who) => writer(who))).then(() => undefined) };
}

/** `undefined` where nobody answers any more. */
async function post(url: string, text: string): Promise<{ status: number; body: string } | undefined> {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ text }) });
    return { status: response.status, body: await response.text() };
  } catch {
    return undefined;
  }
}

async function found(path: string) {
  const db = await Database.open({ path, tables: [Note, Visit] });
  const texts = [...db.table(Note).selectAll()].map(({ text }) => text);
  const pages = [...db.table(Visit).selectAll()].map(({ page }) => page);
  expect([...db.check()]).toEqual([]);
  const { clean } = db.recovery ?? {};
  await db.close();
  return { texts, pages, clean };
}

describe('SIGTERM', () => {
  it('with shutdown hooks: requests are answered, hooks write, and everything is stored and closed', async () => {
    const path = directory();
    const { child, url } = await start(path, true);
    const { acknowledged, ended } = writers(url);
    while (acknowledged.size < 50) await sleep(5);
    const slow = post(`${url}/notes/slow`, 'slow');
    await once(child.stdout as Readable, 'data'); // it has arrived
    child.kill('SIGTERM');
    const [code, signal] = await once(child, 'exit');
    await ended;
    expect([code, signal]).toEqual([null, 'SIGTERM']);
    expect(await slow).toMatchObject({ status: 201, body: expect.stringContaining('"closed":false') });
    const { texts, pages, clean } = await found(path);
    expect(texts).toEqual(expect.arrayContaining([...acknowledged, 'slow']));
    expect(pages).toEqual(['before SIGTERM', 'after SIGTERM']);
    expect(clean).toBe(true);
  });

  it('without them: the process ends at once, and what was acknowledged as durable is there', async () => {
    const path = directory();
    const { child, url } = await start(path, false);
    const { acknowledged, ended } = writers(url);
    while (acknowledged.size < 50) await sleep(5);
    child.kill('SIGTERM');
    const [code, signal] = await once(child, 'exit');
    await ended;
    expect([code, signal]).toEqual([null, 'SIGTERM']);
    const { texts, pages, clean } = await found(path);
    expect(texts).toEqual(expect.arrayContaining([...acknowledged]));
    expect(pages).toEqual([]);
    expect(clean).toBe(false);
  });
});
