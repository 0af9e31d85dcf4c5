import { openUsing } from './worktable.js';

export { BYTES } from './worktable.js';

/** The same store with B-trees for everything, the email too. */
export function open() {
  return openUsing('btree');
}
