import { describe } from '@jest/globals';
import { eventsBehave } from './behaviour/events.js';
import type { OpenDatabase } from './behaviour/harness.js';
import { locksBehave } from './behaviour/locks.js';
import { queriesBehave } from './behaviour/queries.js';
import { transactionsBehave } from './behaviour/transactions.js';
import { writesBehave } from './behaviour/writes.js';

/** The behaviour of a WorkTable, whatever holds it: run for each mode in which a database can be opened. */
export function behavesLikeATable(mode: string, open: OpenDatabase): void {
  describe(`a table ${mode}: writes`, () => writesBehave(open));
  describe(`a table ${mode}: queries`, () => queriesBehave(open));
  describe(`a table ${mode}: transactions`, () => transactionsBehave(open));
  describe(`a table ${mode}: events`, () => eventsBehave(open));
  describe(`a table ${mode}: locks`, () => locksBehave(open));
}
