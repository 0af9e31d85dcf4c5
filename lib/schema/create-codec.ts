import { codeGenerationAllowed } from '../bytes/code-generation.js';
import { switches } from '../switches.js';
import { CompiledCodec } from './compiled-codec.js';
import { InterpretedCodec } from './interpreted-codec.js';
import type { RowCodec } from './row-codec.js';
import type { TableSchema } from './table-schema.js';

/** The codecs that were made for a schema, by the ways of being fast that they were made with. */
const codecs = new WeakMap<TableSchema, Map<string, RowCodec>>();

/**
 * The compiled codec, or the interpreted one where the process forbids code generation. Tables of one schema share it: the
 * code of the second is as fast from its first row on as the first one's has become. What it remembers, which is repeated
 * text in bounded room, stays as long as the class does.
 */
export function createCodec(schema: TableSchema): RowCodec {
  const compiles = switches.compiledCodecs && codeGenerationAllowed();
  const ways = `${compiles} ${Object.values(switches).join(' ')}`;
  const known = codecs.get(schema) ?? new Map<string, RowCodec>();
  codecs.set(schema, known);
  let codec = known.get(ways);
  if (codec === undefined) {
    codec = compiles ? new CompiledCodec(schema) : new InterpretedCodec(schema);
    known.set(ways, codec);
  }
  return codec;
}
