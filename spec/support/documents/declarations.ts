import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

/** A member of a public class: its signatures, of which there are several where it is overloaded, and its comment. */
export interface Member {
  readonly name: string;
  readonly signatures: readonly string[];
  readonly comment: string;
}

/** A public name, as the compiler declares it. */
export interface Declaration {
  readonly name: string;
  /** `lib/table/select-query.ts`. */
  readonly file: string;
  readonly kind: 'class' | 'function' | 'interface' | 'type' | 'const';
  readonly comment: string;
  /** The whole of it, with the comments inside; of a class, its first line. */
  readonly text: string;
  /** Of a class: what can be called, in the order of the source. */
  readonly members: readonly Member[];
}

/** Has the compiler declare the sources, and reads from that what each entry of the package exports. */
export function readDeclarations(entries: readonly string[]): Map<string, Declaration[]> {
  const folder = mkdtempSync(join(tmpdir(), 'worktable-declarations-'));
  try {
    const tsc = resolve('node_modules/typescript/bin/tsc');
    const options = ['--emitDeclarationOnly', '--declaration', '--declarationMap', 'false', '--sourceMap', 'false', '--outDir', folder];
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...options], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stdout);
    const files = new Map<string, Map<string, Declaration>>();
    return new Map(entries.map((entry) => [entry, exportsOf(folder, entry, files)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a file exports, in order: declared there, or by a file that it names. */
function exportsOf(folder: string, file: string, files: Map<string, Map<string, Declaration>>): Declaration[] {
  const text = readFileSync(join(folder, file.replace(/\.ts$/, '.d.ts')), 'utf8');
  const found: Declaration[] = [];
  for (const [, names = '', from = ''] of text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)';/gm)) {
    const source = relative('.', join(dirname(file), from.replace(/\.js$/, '.ts')));
    if (!files.has(source)) files.set(source, declarationsOf(folder, source));
    for (const part of names.split(',').map((name) => name.trim().replace(/^type /, ''))) {
      if (part === '') continue;
      const [name = '', alias = name] = part.split(' as ');
      const declared = files.get(source)?.get(name) ?? exportsOf(folder, source, files).find((one) => one.name === name);
      if (declared === undefined) throw new Error(`${file}: ${name} is declared nowhere`);
      found.push({ ...declared, name: alias });
    }
  }
  return [...found, ...declarationsOf(folder, file).values()];
}

/** The exported declarations of a file. A declaration ends where its brackets are closed and its line ends it. */
function declarationsOf(folder: string, file: string): Map<string, Declaration> {
  const lines = readFileSync(join(folder, file.replace(/\.ts$/, '.d.ts')), 'utf8').split('\n');
  const found = new Map<string, Declaration>();
  for (const { comment, text } of statements(lines)) {
    const [, kind, name] = /^export (?:declare )?(?:abstract )?(class|function|interface|type|const) (\w+)/.exec(text) ?? [];
    if (kind === undefined || name === undefined) continue;
    const earlier = found.get(name);
    const body = kind === 'class' ? text.slice(0, bodyOf(text)).trimEnd() : text;
    found.set(name, {
      ...{ name, file, kind: earlier === undefined ? (kind as Declaration['kind']) : earlier.kind },
      comment: earlier?.comment || comment,
      text: clean(earlier === undefined ? body : `${earlier.text}\n${body}`),
      members: kind === 'class' ? membersOf(text) : [],
    });
  }
  return found;
}

function membersOf(text: string): Member[] {
  const body = text.slice(bodyOf(text) + 1, text.lastIndexOf('}'));
  const lines = body.split('\n').map((line) => line.replace(/^ {4}/, ''));
  const members: { name: string; signatures: string[]; comment: string }[] = [];
  for (const { comment, text: signature } of statements(lines)) {
    if (/^(private|protected|#)/.test(signature)) continue;
    const text = clean(signature.replaceAll(/\s*\/\*\*[\s\S]*?\*\/\s*/g, ' '));
    const name = /^(?:(?:static|readonly|abstract|async|get|set|declare|\*) ?)*(\[?[\w.]+\]?)/.exec(signature)?.[1] ?? signature;
    const last = members.at(-1);
    if (last?.name === name && comment === '') last.signatures.push(text);
    else members.push({ name, signatures: [text], comment });
  }
  return members;
}

/** Statements at the margin, each with the comment before it. */
function* statements(lines: readonly string[]): Generator<{ comment: string; text: string }> {
  let comment = '';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.startsWith('/**')) {
      const start = at;
      while (!(lines[at] as string).includes('*/')) at++;
      comment = textOf(lines.slice(start, at + 1));
    } else if (line.trim() !== '') {
      const start = at;
      while (depthOf(lines.slice(start, at + 1).join('\n')) > 0 || !/[;}]$/.test((lines[at] as string).trimEnd())) at++;
      yield { comment, text: lines.slice(start, at + 1).join('\n') };
      comment = '';
    }
  }
}

/** How many brackets are open at the end, comments and strings left out. */
function depthOf(text: string): number {
  const bare = text.replaceAll(/\/\*[\s\S]*?(\*\/|$)|'[^'\n]*'|"[^"\n]*"|`[^`]*`/g, '');
  return (bare.match(/[{([]/g)?.length ?? 0) - (bare.match(/[})\]]/g)?.length ?? 0);
}

/** Where a class's body opens: at the first brace that ends a line. */
function bodyOf(text: string): number {
  return text.search(/\{\n|\{$|\{\}$/);
}

/** A comment's words. */
function textOf(lines: readonly string[]): string {
  const bare = lines.map((line) =>
    line
      .replace(/^\s*\/\*\*\s?/, '')
      .replace(/\s*\*\/\s*$/, '')
      .replace(/^\s*\* ?/, ''),
  );
  return bare.join('\n').trim();
}

/** As a reader wants it: without words for the compiler, and with two spaces for four. */
function clean(text: string): string {
  const bare = text.replace(/^export (declare )?/gm, '').replaceAll(/^ +/gm, (spaces) => ' '.repeat(spaces.length / 2));
  return bare
    .replaceAll(/[ \t]+$/gm, '')
    .replace(/ \{\}$/, '')
    .trimEnd();
}
