import { readFileSync } from 'node:fs';
import { type Declaration, type Member, readDeclarations } from './declarations.js';

/** The pages of the reference, and the places in the sources from which each is made; what is in none has one of its own. */
const PAGES: readonly (readonly [page: string, title: string, ...places: string[]])[] = [
  ['decorators', 'Decorators', 'decorators/', 'lib/schema/description.ts'],
  ['database', 'Database', 'lib/database.ts', 'lib/stats-rows.ts'],
  ['queries', 'Queries', 'lib/table/select-query.ts', 'lib/table/grouped-query.ts', 'lib/table/condition.ts'],
  ['live', 'Live queries', 'lib/live/', 'lib/table/live'],
  ['types', 'Types of rows', 'lib/table/types.ts'],
  ['tables', 'Tables', 'lib/table/', 'lib/index/'],
  ['isolation', 'Transactions, snapshots, locks', 'lib/isolation/', 'lib/lock/'],
  ['changes', 'Changes', 'lib/cdc/', 'lib/feed/'],
  ['encoders', 'Encoders', 'lib/encode/'],
  ['following', 'Following', 'lib/follow/'],
  ['storage', 'Storage', 'lib/persistence/'],
  ['schema', 'Schemas', 'lib/schema/'],
  ['measurement', 'Measurement', 'lib/measure/'],
  ['errors', 'Errors', 'lib/errors.ts'],
];

const FENCE = '```';

/** What the examples of a page may begin with: they are run as they stand there. */
const SETUP = `${FENCE}ts setup
import { Column, Database, Index, PrimaryKey, Table } from 'worktable';

@Table()
class Account {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column() email!: string;
  @Index() @Column() country!: string;
  @Column('int') score!: number;
  @Column('long') balance!: bigint;
}
const db = new Database({ tables: [Account] });
const accounts = db.table(Account);
accounts.insert({ email: 'ada@example.com', country: 'GB', score: 7, balance: 100n });
accounts.insert({ email: 'eve@example.com', country: 'FR', score: 9, balance: 20n });
${FENCE}
`;

/** What is exported under each entry of package.json, by the entry's source. */
export function readReference(): { names: Map<string, Declaration[]>; pages: Map<string, string> } {
  const entries = entriesOf(JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> });
  const declared = readDeclarations([...entries.values()]);
  const names = new Map([...entries].map(([entry, source]) => [entry, declared.get(source) as Declaration[]]));
  return { names, pages: pagesOf(names) };
}

/** `worktable` → `lib/index.ts`. */
function entriesOf({ exports }: { exports: Record<string, unknown> }): Map<string, string> {
  const entries = new Map<string, string>();
  for (const [path, conditions] of Object.entries(exports)) {
    const types = /"\.\/dist\/(?:esm\/|cjs\/)?([^"]+)\.d\.(?:ts|mts|cts)"/.exec(JSON.stringify(conditions))?.[1];
    if (types !== undefined) entries.set(path.replace(/^\./, 'worktable'), `${types}.ts`);
  }
  return entries;
}

/** Where a name is described. Headings that differ in case alone are told apart by a number, as they are where Markdown is shown. */
interface Place {
  readonly page: string;
  readonly anchor: string;
}

function pagesOf(names: ReadonlyMap<string, Declaration[]>): Map<string, string> {
  const pages = new Map<string, { title: string; entry: string; declarations: Declaration[] }>();
  const pageOf = new Map<string, Place>();
  for (const [entry, declarations] of names) {
    for (const declaration of declarations) {
      const [page, title] = placeOf(entry, declaration);
      if (!pages.has(page)) pages.set(page, { title, entry, declarations: [] });
      pages.get(page)?.declarations.push(declaration);
      const name = declaration.name.toLowerCase();
      const earlier = [...pageOf].filter(([other, place]) => place.page === page && other.toLowerCase() === name).length;
      pageOf.set(declaration.name, { page, anchor: earlier === 0 ? name : `${name}-${earlier}` });
    }
  }
  const order = [...pages].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const written = new Map([['README', contents(order, pageOf)]]);
  for (const [page, { title, entry, declarations }] of order) written.set(page, write(page, title, entry, declarations, pageOf));
  return written;
}

function placeOf(entry: string, { file }: Declaration): [page: string, title: string] {
  if (entry !== 'worktable') return [entry.slice('worktable/'.length).replaceAll('/', '-'), entry];
  const known = PAGES.find(([, , ...places]) => places.some((place) => file.startsWith(place)));
  if (known !== undefined) return [known[0], known[1]];
  const folder = file.split('/')[1] as string;
  return [folder, `${(folder[0] as string).toUpperCase()}${folder.slice(1)}`];
}

function rank(page: string): number {
  const at = PAGES.findIndex(([name]) => name === page);
  return at < 0 ? PAGES.length : at;
}

type Pages = readonly (readonly [string, { title: string; entry: string; declarations: readonly Declaration[] }])[];

function contents(pages: Pages, pageOf: ReadonlyMap<string, Place>): string {
  const rows = pages.map(([page, { title, declarations }]) => {
    const links = [...declarations].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name }) => linkTo(name, pageOf, 'README'));
    return `| [${title}](${page}.md) | ${links.join(', ')} |`;
  });
  return `${HEAD('Reference')}Every public name, made from the comments in the sources by \`npm run reference\`.\n\n| | |\n|---|---|\n${rows.join('\n')}\n`;
}

const HEAD = (title: string) => `<!-- Made from the sources by \`npm run reference\`; change the comments there. -->\n\n# ${title}\n\n`;

function write(
  page: string,
  title: string,
  entry: string,
  declarations: readonly Declaration[],
  pageOf: ReadonlyMap<string, Place>,
): string {
  const isMain = ({ kind }: Declaration) => kind !== 'interface' && kind !== 'type';
  const ordered = [...declarations.filter(isMain), ...declarations.filter((declaration) => !isMain(declaration))];
  const parts = ordered.map((declaration) => describe(page, declaration, pageOf));
  const needsSetup = parts.some((part) => part.includes(`${FENCE}ts\n`)) && entry === 'worktable';
  const setup = needsSetup ? `The examples below begin with this:\n\n${SETUP}\n` : '';
  const from = entry === 'worktable' ? '' : `From \`${entry}\`.\n\n`;
  return `${HEAD(title)}${from}${setup}${parts.join('\n')}`;
}

function describe(page: string, declaration: Declaration, pageOf: ReadonlyMap<string, Place>): string {
  const { name, comment, text, members } = declaration;
  const parts = [`## ${name}`, signature(text)];
  const extended = /(?:extends|implements) (\w+)/.exec(text.replaceAll(/<[^<>]*(<[^<>]*>)?[^<>]*>/g, ''))?.[1];
  if (comment !== '') parts.push(prose(comment));
  if (declaration.kind === 'class' && extended !== undefined && pageOf.has(extended)) {
    parts.push(`Has everything that ${linkTo(extended, pageOf, page)} has.`);
  }
  const isField = (member: Member) => member.comment === '' || !member.signatures.some((text) => text.includes('('));
  const fields = members
    .filter(isField)
    .flatMap(({ comment: said, signatures }) => (said === '' ? signatures : [`/** ${said} */`, ...signatures]));
  if (fields.length > 0) parts.push(signature(fields.join('\n')));
  for (const member of members) if (!isField(member)) parts.push(memberText(name, member));
  return `${parts.join('\n\n')}\n`;
}

function memberText(owner: string, { name, signatures, comment }: Member): string {
  return `### ${owner}.${name}${signatures[0]?.startsWith('get ') ? '' : '()'}\n\n${signature(signatures.join('\n'))}\n\n${prose(comment)}`;
}

function signature(text: string): string {
  return `${FENCE}ts foreign: a signature\n${text}\n${FENCE}`;
}

function linkTo(name: string, pageOf: ReadonlyMap<string, Place>, from: string): string {
  const { page, anchor } = pageOf.get(name) as Place;
  return `[\`${name}\`](${page === from ? '' : `${page}.md`}#${anchor})`;
}

/** A comment as paragraphs, with what it gives and throws set apart; its code as it is. */
function prose(comment: string): string {
  const parts = comment.replaceAll(/\s*^@example\s*/gm, '\n\n').split(/(```[\s\S]*?```)/);
  return parts
    .map((part, at) => (at % 2 === 1 ? part : words(part)))
    .join('')
    .trim();
}

function words(text: string): string {
  return text
    .replaceAll(/\s*@returns /g, '\n\nGives ')
    .replaceAll(/\s*@throws /g, '\n\nThrows ')
    .replaceAll(/^((?:Gives|Throws) [\s\S]*?[^.\s])(?=\n\n|\s*$(?![\s\S]))/gm, '$1.')
    .replaceAll(/<(?=\w)/g, (bracket, at: number, whole: string) => (isCode(whole, at) ? bracket : '\\<'));
}

function isCode(text: string, at: number): boolean {
  return (text.slice(0, at).match(/`/g)?.length ?? 0) % 2 === 1;
}
