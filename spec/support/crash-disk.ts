import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Disk, DiskFile, DiskLock } from '../../lib/disk/disk.js';

/** A change of the file system, as it was asked for. */
export type DiskOp =
  | { readonly kind: 'create'; readonly path: string; readonly inode: number }
  | { readonly kind: 'write'; readonly inode: number; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly inode: number; readonly length: number }
  | { readonly kind: 'sync'; readonly inode: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: number }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'syncDirectory'; readonly path: string }
  /** A sync failed: what it should have written will never be, and counts as written. */
  | { readonly kind: 'lose'; readonly inode: number };

/** The files that a machine finds when it starts again. */
export type Image = ReadonlyMap<string, Buffer>;

/** Called before each change; it may throw in its stead, or tell how many bytes of a write are to be taken. */
export type Fault = (op: DiskOp, index: number) => number | undefined;

/**
 * A disk in memory that writes down every change that it is asked for, so that a crash can be tried at each of them.
 * `dropped` leaves out what a mutant of the store would.
 */
export class RecordingDisk implements Disk {
  readonly history: DiskOp[] = [];
  readonly files = new Map<string, { inode: number; bytes: Buffer }>();
  private nextInode = 1;
  fault: Fault | undefined;
  /** Calls in the background take their time, as they do in other threads: what is done in place comes before them. */
  isSlow = false;

  constructor(image: Image = new Map()) {
    for (const [path, bytes] of image) this.files.set(path, { inode: this.nextInode++, bytes: Buffer.from(bytes) });
  }

  /** Notes a change. @returns how many bytes of it count */
  note(op: DiskOp): number | undefined {
    const most = this.fault?.(op, this.history.length);
    this.history.push(op.kind === 'write' && most !== undefined ? { ...op, bytes: op.bytes.subarray(0, most) } : op);
    return most;
  }

  open(path: string, mode: 'read' | 'create'): DiskFile {
    if (mode === 'create') {
      const inode = this.nextInode++;
      this.note({ kind: 'create', path, inode });
      this.files.set(path, { inode, bytes: Buffer.alloc(0) });
    }
    const file = this.files.get(path);
    if (file === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    return new RecordingFile(this, path, file);
  }

  rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (file === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    this.note({ kind: 'rename', from, to, inode: file.inode });
    this.files.delete(from);
    this.files.set(to, file);
  }

  unlink(path: string): void {
    if (!this.files.has(path)) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    this.note({ kind: 'unlink', path });
    this.files.delete(path);
  }

  async unlinkLater(path: string): Promise<void> {
    if (this.isSlow) await nextTurn();
    this.unlink(path);
  }

  list(directory: string): string[] {
    const names = new Set<string>();
    for (const path of this.files.keys()) {
      if (path.startsWith(`${directory}/`)) names.add(path.slice(directory.length + 1).split('/')[0] as string);
    }
    return [...names];
  }

  makeDirectory(): undefined {
    return undefined;
  }

  syncDirectory(path: string): void {
    this.note({ kind: 'syncDirectory', path });
  }

  async syncDirectoryLater(path: string): Promise<void> {
    if (this.isSlow) await nextTurn();
    this.syncDirectory(path);
  }

  lock(): DiskLock {
    return { release: () => undefined };
  }

  get image(): Image {
    return new Map([...this.files].map(([path, { bytes }]) => [path, bytes]));
  }
}

class RecordingFile implements DiskFile {
  constructor(
    private readonly disk: RecordingDisk,
    readonly path: string,
    private readonly file: { readonly inode: number; bytes: Buffer },
  ) {}

  size(): number {
    return this.file.bytes.length;
  }

  read(bytes: Uint8Array, position: number): number {
    return this.file.bytes.copy(bytes, 0, position, Math.min(position + bytes.length, this.file.bytes.length));
  }

  async readLater(bytes: Uint8Array, position: number): Promise<number> {
    if (this.disk.isSlow) await nextTurn();
    return this.read(bytes, position);
  }

  write(bytes: Uint8Array, position: number): number {
    const copy = Buffer.from(bytes);
    const most = this.disk.note({ kind: 'write', inode: this.file.inode, position, bytes: copy });
    const taken = most === undefined ? copy : copy.subarray(0, most);
    this.file.bytes = writeInto(this.file.bytes, position, taken);
    return taken.length;
  }

  async writeLater(bytes: Uint8Array, position: number): Promise<number> {
    if (this.disk.isSlow) await nextTurn();
    return this.write(bytes, position);
  }

  truncate(length: number): void {
    this.disk.note({ kind: 'truncate', inode: this.file.inode, length });
    this.file.bytes = resize(this.file.bytes, length);
  }

  sync(): void {
    this.disk.note({ kind: 'sync', inode: this.file.inode });
  }

  async syncLater(): Promise<void> {
    if (this.disk.isSlow) await nextTurn();
    this.sync();
  }

  close(): void {}
}

function writeInto(target: Buffer, position: number, bytes: Buffer): Buffer {
  const end = position + bytes.length;
  const room = end > target.length ? resize(target, end) : target;
  bytes.copy(room, position);
  return room;
}

function resize(bytes: Buffer, length: number): Buffer {
  if (length <= bytes.length) return bytes.subarray(0, length);
  const larger = Buffer.alloc(length);
  bytes.copy(larger);
  return larger;
}

type PendingData =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly length: number };
type PendingName = Extract<DiskOp, { kind: 'create' | 'rename' | 'unlink' }>;

/** What of the changes that were not synced is there after a crash. */
export const CRASH_MODES = ['none', 'all', 'prefix', 'sectors', 'torn', 'garbage', 'reordered'] as const;
export type CrashMode = (typeof CRASH_MODES)[number];

const SECTOR = 512;

/**
 * What is on the medium, and what is only in the caches, after the changes so far. A crash keeps the first, and of the
 * second what its mode says: nothing, all, a beginning, some sectors, half a sector, garbage where a file grew; names
 * likewise, one without the other.
 */
export class Medium {
  private readonly synced = new Map<number, Buffer>();
  private readonly pending = new Map<number, PendingData[]>();
  private readonly names = new Map<string, number>();
  private readonly pendingNames: PendingName[] = [];

  constructor(image: Image = new Map()) {
    let inode = 1;
    for (const [path, bytes] of image) {
      this.names.set(path, inode);
      this.synced.set(inode, Buffer.from(bytes));
      inode++;
    }
  }

  apply(op: DiskOp): void {
    switch (op.kind) {
      case 'create':
        this.synced.set(op.inode, Buffer.alloc(0));
        this.pendingNames.push(op);
        return;
      case 'write':
      case 'truncate': {
        const list = this.pending.get(op.inode);
        if (list === undefined) this.pending.set(op.inode, [op]);
        else list.push(op);
        return;
      }
      case 'sync': {
        let bytes = this.synced.get(op.inode) as Buffer;
        for (const each of this.pending.get(op.inode) ?? []) bytes = applyData(bytes, each);
        this.synced.set(op.inode, Buffer.from(bytes));
        this.pending.delete(op.inode);
        return;
      }
      case 'lose':
        this.pending.delete(op.inode);
        return;
      case 'rename':
      case 'unlink':
        this.pendingNames.push(op);
        return;
      case 'syncDirectory': {
        const rest = this.pendingNames.filter((name) => {
          if (dirname(pathOf(name)) !== op.path) return true;
          applyName(this.names, name);
          return false;
        });
        this.pendingNames.splice(0, this.pendingNames.length, ...rest);
      }
    }
  }

  /** @param random gives numbers from 0 to below 1 */
  crash(mode: CrashMode, random: () => number): Image {
    const names = new Map(this.names);
    this.pendingNames.forEach((name, at) => {
      if (keepsName(mode, at, this.pendingNames.length, random)) applyName(names, name);
    });
    const image = new Map<string, Buffer>();
    for (const [path, inode] of names) image.set(path, this.dataAfter(mode, inode, random));
    return image;
  }

  private dataAfter(mode: CrashMode, inode: number, random: () => number): Buffer {
    const base = Buffer.from(this.synced.get(inode) ?? Buffer.alloc(0));
    const pending = this.pending.get(inode) ?? [];
    if (pending.length === 0 || mode === 'none') return base;
    if (mode === 'all') return pending.reduce<Buffer>(applyData, base);
    if (mode === 'prefix') return pending.slice(0, Math.floor(random() * (pending.length + 1))).reduce<Buffer>(applyData, base);
    if (mode === 'torn') {
      const whole = pending.slice(0, Math.floor(random() * pending.length));
      const next = pending[whole.length] as PendingData;
      const part =
        next.kind === 'write' ? { ...next, bytes: next.bytes.subarray(0, Math.floor(random() * (next.bytes.length + 1))) } : next;
      return [...whole, part].reduce<Buffer>(applyData, base);
    }
    if (mode === 'garbage') {
      const whole = pending.reduce<Buffer>(applyData, Buffer.from(base));
      for (let at = base.length; at < whole.length; at++) if (random() < 0.3) whole[at] = Math.floor(random() * 256);
      return whole;
    }
    if (mode === 'reordered') return pending.filter(() => random() < 0.5).reduce<Buffer>(applyData, base);
    return pending.reduce<Buffer>((bytes, op) => applySectors(bytes, op, random), base);
  }
}

function pathOf(name: PendingName): string {
  return name.kind === 'rename' ? name.to : name.path;
}

function keepsName(mode: CrashMode, at: number, count: number, random: () => number): boolean {
  if (mode === 'none') return false;
  if (mode === 'all') return true;
  if (mode === 'prefix') return at < random() * (count + 1);
  return random() < 0.5;
}

function applyName(names: Map<string, number>, op: PendingName): void {
  if (op.kind === 'create') names.set(op.path, op.inode);
  else if (op.kind === 'unlink') names.delete(op.path);
  else {
    if (names.get(op.from) === op.inode) names.delete(op.from);
    names.set(op.to, op.inode);
  }
}

function applyData(bytes: Buffer, op: PendingData): Buffer {
  return op.kind === 'write' ? writeInto(Buffer.from(bytes), op.position, op.bytes) : resize(bytes, op.length);
}

/** Some sectors of a write, as they lie on the medium. */
function applySectors(bytes: Buffer, op: PendingData, random: () => number): Buffer {
  if (op.kind === 'truncate') return random() < 0.5 ? bytes : resize(bytes, op.length);
  let result = bytes;
  for (let from = 0; from < op.bytes.length; ) {
    const to = Math.min(op.bytes.length, from + SECTOR - ((op.position + from) % SECTOR));
    if (random() < 0.5) result = writeInto(Buffer.from(result), op.position + from, op.bytes.subarray(from, to));
    from = to;
  }
  return result;
}
