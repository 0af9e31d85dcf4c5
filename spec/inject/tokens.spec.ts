import { describe, expect, it } from '@jest/globals';
import { Column, Database, PrimaryKey, SchemaError, Table } from '../../lib/index.js';
import { getDatabaseToken, getTableToken, table } from '../../lib/inject/index.js';
import { tableOfToken } from '../../lib/inject/tokens.js';
import { Note, Visit } from '../support/notes.js';

/** As a minifier leaves classes: many of one name. */
function anotherClass(tableName: string) {
  @Table({ name: tableName })
  class Note {
    @PrimaryKey() @Column('int') id!: number;
  }
  return Note;
}

describe('getTableToken', () => {
  it('is one symbol for a class and a database', () => {
    expect(typeof getTableToken(Note)).toBe('symbol');
    expect(getTableToken(Note)).toBe(getTableToken(Note));
    expect(getTableToken(Note, 'default')).toBe(getTableToken(Note));
    expect(getTableToken(Note, 'audit')).toBe(getTableToken(Note, 'audit'));
    const tokens = [getTableToken(Note), getTableToken(Note, 'audit'), getTableToken(Note, 'Audit'), getTableToken(Visit)];
    expect(new Set(tokens).size).toBe(4);
  });

  it('differs for two classes of one name, and for two without any', () => {
    const [one, other] = [anotherClass('one'), anotherClass('other')];
    expect(one.name).toBe(other.name);
    expect(getTableToken(one)).not.toBe(getTableToken(other));
    const nameless = () => class {};
    expect(getTableToken(nameless())).not.toBe(getTableToken(nameless()));
    expect(tableOfToken(getTableToken(one))?.entity).toBe(one);
    expect(tableOfToken(getTableToken(other, 'audit'))).toEqual({ entity: other, database: 'audit' });
  });

  it('differs for a class and one that extends it', () => {
    class Longer extends Note {}
    expect(getTableToken(Longer)).not.toBe(getTableToken(Note));
  });

  it('says in its text what is missing where it is', () => {
    expect(getTableToken(Note).description).toBe('TableManager<Note>');
    expect(getTableToken(Note, 'audit').description).toBe('TableManager<Note> of database "audit"');
  });

  it('refuses what is no class, and tells of files that import each other', () => {
    expect(() => getTableToken(undefined as never)).toThrow(
      new TypeError('a table is named by its class: it is undefined here, as in files that import each other'),
    );
    expect(() => getTableToken('Note' as never)).toThrow(new TypeError('a table is named by its class'));
    expect(() => getTableToken(Note, '')).toThrow(TypeError);
    expect(tableOfToken(Symbol('TableManager<Note>'))).toBeUndefined();
    expect(tableOfToken(Note)).toBeUndefined();
  });
});

describe('getDatabaseToken', () => {
  it('is the class Database, and a symbol for each name', () => {
    expect(getDatabaseToken()).toBe(Database);
    expect(getDatabaseToken('default')).toBe(Database);
    expect(typeof getDatabaseToken('audit')).toBe('symbol');
    expect(getDatabaseToken('audit')).toBe(getDatabaseToken('audit'));
    expect(getDatabaseToken('audit')).not.toBe(getDatabaseToken('Audit'));
    expect(String(getDatabaseToken('audit'))).toBe('Symbol(Database "audit")');
    expect(() => getDatabaseToken('')).toThrow(TypeError);
    expect(() => getDatabaseToken(1 as never)).toThrow(TypeError);
  });
});

describe('table', () => {
  const db = new Database({ tables: [Note] });

  it('gives the manager of a database, with no container at all', () => {
    expect(table(Note).useFactory(db)).toBe(db.table(Note));
    expect(table(Note, 'audit').useFactory(db)).toBe(db.table(Note));
  });

  it('gives the manager of a database that an object holds', () => {
    expect(table(Note).useFactory({ database: db })).toBe(db.table(Note));
    expect(table(Note, 'audit').useFactory({ [getDatabaseToken('audit') as symbol]: db })).toBe(db.table(Note));
    expect(table(Note).useFactory(new Map([[Database, db]]))).toBe(db.table(Note));
  });

  it('takes what a test puts in the place of a database', () => {
    const fake = { table: (entity: unknown) => ({ of: entity }) };
    expect(table(Note).useFactory(fake)).toEqual({ of: Note });
  });

  it('says where a database is missing, still being opened, or another one', () => {
    const missing = {
      code: 'WT_INJECTION',
      message: expect.stringContaining('register what Database.open gives under getDatabaseToken()'),
    };
    for (const source of [{}, { database: 1 }, new Map(), null, undefined, 'database']) {
      expect(() => table(Note).useFactory(source as object)).toThrow(expect.objectContaining(missing));
    }
    expect(() => table(Note, 'audit').useFactory({ database: db })).toThrow(/under getDatabaseToken\("audit"\)/);
    expect(() => table(Note).useFactory({ database: Promise.resolve(db) })).toThrow(/still being opened: await Database.open/);
    expect(() => table(Visit).useFactory(db)).toThrow(SchemaError);
  });
});
