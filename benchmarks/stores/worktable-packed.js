import { openUsing } from './worktable.js';

export { BYTES } from './worktable.js';

/** The same store with packed indexes for country and score. */
export function open() {
  return openUsing('hash', { plain: 'packed' });
}
