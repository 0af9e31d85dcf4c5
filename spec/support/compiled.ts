import { type Options, transformSync } from '@swc/core';
import * as worktable from '../../lib/index.js';
import type { EntityClass } from '../../lib/schema/column-type.js';
import type { Declaration } from './declarations.js';

/** The two kinds of decorators that compilers know, and what each is told of class fields. */
export interface Kind {
  readonly decorators: 'standard' | 'legacy';
  /** `useDefineForClassFields` */
  readonly define: boolean;
}

export const KINDS: readonly Kind[] = [
  { decorators: 'standard', define: true },
  { decorators: 'standard', define: false },
  { decorators: 'legacy', define: true },
  { decorators: 'legacy', define: false },
];

/** What a module of this TypeScript returns, compiled by swc; worktable's names and `given` are in its scope. */
export function compiled(source: string, { decorators, define }: Kind, given?: unknown): unknown {
  const legacy = decorators === 'legacy';
  const options: Options = {
    swcrc: false,
    configFile: false,
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: {
        useDefineForClassFields: define,
        ...(legacy ? { legacyDecorator: true, decoratorMetadata: true } : { decoratorVersion: '2023-11' }),
      },
    },
    module: { type: 'commonjs' },
  };
  const { code } = transformSync(`export default (() => {${source}})()`, options);
  const exported: { default?: unknown } = {};
  new Function('exports', 'given', ...Object.keys(worktable), code)(exported, given, ...Object.values(worktable));
  return exported.default;
}

/** The class that a declaration in words describes, with decorators that a compiler has applied. */
export function declareCompiled(given: Declaration, kind: Kind): EntityClass {
  const keys = given.keys ?? { id: {} };
  const columns = new Map<string, unknown>(Object.entries({ ...('id' in keys ? { id: { type: 'int' } } : {}), ...given.columns }));
  if (Object.hasOwn(given.columns ?? {}, '__proto__')) columns.set('__proto__', { type: 'int' });
  const names = new Set([...columns.keys(), ...Object.keys(keys), ...Object.keys(given.indexed ?? {})]);
  const fields = [...names].map((name) => {
    const at = JSON.stringify(name);
    const key = Object.hasOwn(keys, name) ? `@PrimaryKey(given.keys[${at}])` : '';
    const index = Object.hasOwn(given.indexed ?? {}, name) ? `@Index(given.indexed[${at}])` : '';
    return `${key} ${index} ${columns.has(name) ? `@Column(given.columns.get(${at}))` : ''} [${at}];`;
  });
  const queries = Object.keys(given.queries ?? {}).map((name) => {
    const at = JSON.stringify(name);
    return `@Query(given.queries[${at}]) static [${at}];`;
  });
  const table = !('table' in given) || given.table !== undefined ? '@Table(given.table)' : '';
  const indexes = (given.indexes ?? []).map((_, n) => `@Index(given.indexes[${n}])`);
  const source = `${table} ${indexes.join(' ')} class Subject { ${fields.join('\n')} ${queries.join('\n')} }; return Subject;`;
  return compiled(source, kind, { ...given, keys, columns }) as EntityClass;
}
