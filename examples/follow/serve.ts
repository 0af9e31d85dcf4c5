import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CommitEvent, Database } from '../../lib/index.js';
import { plain } from './shop.js';

/** What a follower asks for: to go on as a consumer that is remembered here, or behind a position that it remembers itself. */
export type Request = { readonly consumer: string } | { readonly from: number };

/** Serves the feed of a database: each connection asks once, is given a line for each transaction, and may acknowledge. */
export function serve(db: Database, path: string): Server {
  rmSync(path, { force: true }); // of a process that was killed
  return createServer((socket) => {
    socket.on('error', () => undefined); // the other side was killed
    let asked: ((lsn: number) => unknown) | undefined;
    createInterface({ input: socket })
      .on('line', (line) => {
        if (asked === undefined) asked = answer(db, socket, JSON.parse(line) as Request);
        else asked(Number(line));
      })
      .on('error', () => undefined);
  }).listen(path);
}

/** @returns what is done with acknowledgements */
function answer(db: Database, socket: Socket, request: Request): (lsn: number) => unknown {
  if ('consumer' in request) {
    const consumer = db.consumer(request.consumer);
    void send(consumer.commits(), socket);
    return (lsn) => consumer.acknowledge(lsn).catch(() => undefined);
  }
  // What is not kept any more is made good by an image.
  void send(db.commits({ from: request.from < db.oldestLsn ? 'snapshot' : request.from }), socket);
  return () => undefined;
}

async function send(commits: AsyncIterable<CommitEvent>, socket: Socket): Promise<void> {
  async function* lines() {
    for await (const commit of commits) yield `${JSON.stringify(plain.commit(commit))}\n`;
  }
  await pipeline(Readable.from(lines()), socket).catch((error: { code?: string }) => {
    if (error.code?.startsWith('WT_')) throw error; // not the reader's end, which ends the feed
  });
}
