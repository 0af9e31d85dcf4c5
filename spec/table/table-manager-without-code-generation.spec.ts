/** @jest-environment ./spec/support/no-code-generation-environment.js */
import { expect, it } from '@jest/globals';
import { Database } from '../../lib/index.js';
import { behavesLikeATable } from '../support/behaves-like-a-table.js';

it('runs where functions cannot be made from text', () => {
  expect(() => new Function('return 1')).toThrow();
});

behavesLikeATable('without code generation', (tables) => new Database({ tables }));
