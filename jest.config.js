import { availableParallelism } from 'node:os';

/** Specs run as ES modules, compiled by swc with the decorators and metadata that users' compilers emit. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 60_000,
  // On a machine with two cores Jest would leave one of them idle.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // `npm run branches`: whatever can happen to stored bytes has a spec, and a small one, which does not find it by chance.
  collectCoverageFrom: ['lib/disk/**/*.ts', 'lib/persistence/**/*.ts'],
  coverageThreshold: { './lib/disk/': { branches: 100 }, './lib/persistence/': { branches: 100 } },
  coverageReporters: [['text', { skipFull: true }]],
};
