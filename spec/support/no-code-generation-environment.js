import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest's environment for Node with `eval` and `new Function` forbidden, as a strict content security policy or Node's
 * `--disallow-code-generation-from-strings` forbids them. That flag alone would not do: Jest runs specs in contexts of
 * their own, and a context says by itself whether code may be generated in it.
 *
 * For one file, in its first comment: `@jest-environment ./spec/support/no-code-generation-environment.js`. For all:
 * `npm run spec -- --env=./spec/support/no-code-generation-environment.js spec/table`.
 */
export default class NoCodeGenerationEnvironment extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    vm.createContext = (global, options) => createContext(global, { ...options, codeGeneration: { strings: false, wasm: true } });
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}
