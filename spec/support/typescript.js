/** `node --import ./spec/support/typescript.js file.ts` runs a TypeScript file of the specs. */
import { register } from 'node:module';

register('./typescript-hooks.js', import.meta.url);
