import { Database, type Durability, type EntityClass } from '../../lib/index.js';
import { behavesLikeATable } from '../support/behaves-like-a-table.js';
import type { OpenDatabase } from '../support/behaviour/harness.js';
import { temporaryDirectories } from '../support/temporary-directory.js';

const directory = temporaryDirectories();

/** Each database has a directory of its own, and must hold the same when it is opened once more. */
function stored(durability: Durability): OpenDatabase {
  let path: string;
  const open = (tables: readonly EntityClass[]) => Database.open({ path, tables, durability, segmentBytes: 8192 });
  return Object.assign(
    (tables: readonly EntityClass[]) => {
      path = directory();
      return open(tables);
    },
    { again: open },
  );
}

behavesLikeATable('on disk', stored('commit'));
behavesLikeATable('on disk, relaxed', stored({ relaxed: { intervalMs: 20 } }));
