import { codeGenerationAllowed } from '../bytes/code-generation.js';
import { switches } from '../switches.js';
import { CompiledCodec } from './compiled-codec.js';
import { InterpretedCodec } from './interpreted-codec.js';
import type { RowCodec } from './row-codec.js';
import type { TableSchema } from './table-schema.js';

/** The compiled codec, or the interpreted one where the process forbids code generation. */
export function createCodec(schema: TableSchema): RowCodec {
  return switches.compiledCodecs && codeGenerationAllowed() ? new CompiledCodec(schema) : new InterpretedCodec(schema);
}
