/** The public names of `worktable/inject`, one by one. */
export { type TableProvider, table } from './table-provider.js';
export { getDatabaseToken, getTableToken } from './tokens.js';
