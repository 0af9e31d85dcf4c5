/**
 * `commit`: what is acknowledged was synced. `relaxed`: it was handed to the operating system, and is synced at this
 * interval: a process that is killed loses nothing of it, a machine that stops loses the last interval.
 */
export type Durability = 'commit' | { readonly relaxed: { readonly intervalMs?: number } };

export interface FileEngineOptions {
  readonly path: string;
  readonly durability: Durability;
  /** `read`: nothing is locked or written. `salvage`: the same, and what is damaged is left out and reported. */
  readonly mode: 'write' | 'read' | 'salvage';
  /** From 4 KiB to 1 GiB; 16 MiB by default. */
  readonly segmentBytes: number;
  /** What a frame of the log holds at most. */
  readonly frameBytes: number;
  /** How far zeros are written ahead of the log's end. */
  readonly aheadBytes: number;
  /** The least log for which a checkpoint is made. */
  readonly checkpointBytes: number;
  readonly clock: () => number;
  /** The time of day, in milliseconds since 1970. */
  readonly now: () => number;
}

export const FILE_ENGINE_DEFAULTS = {
  durability: 'commit',
  mode: 'write',
  segmentBytes: 16 * 1024 * 1024,
  frameBytes: 4 * 1024 * 1024,
  aheadBytes: 256 * 1024,
  checkpointBytes: 64 * 1024 * 1024,
  clock: () => performance.now(),
  now: () => Date.now(),
} as const satisfies Partial<FileEngineOptions>;
