/**
 * What a database of two tables should do, written as plainly as can be: arrays, filters and sorts. Errors are the
 * codes that the store should throw.
 */
export interface ModelAccount {
  id: number;
  email: string;
  country: string;
  score: number;
  balance: bigint;
  note: string | null;
}

export interface ModelEntry {
  tenant: string;
  number: number;
  label: string | null;
  amount: number;
}

export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly index?: string,
  ) {
    super(code);
  }
}

export class Model {
  accounts: ModelAccount[] = [];
  entries: ModelEntry[] = [];
  counter = 0;

  private save() {
    return { accounts: this.accounts.map((row) => ({ ...row })), entries: this.entries.map((row) => ({ ...row })), counter: this.counter };
  }

  /** All of `work`, or nothing. */
  whole<T>(work: () => T): T {
    const before = this.save();
    try {
      return work();
    } catch (error) {
      Object.assign(this, before);
      throw error;
    }
  }

  private checkAccount(row: ModelAccount): void {
    if (!Number.isInteger(row.score)) throw new Refused('WT_VALIDATION');
    if (this.accounts.some((other) => other.id !== row.id && other.email === row.email)) throw new Refused('WT_UNIQUE_VIOLATION', 'email');
  }

  insertAccount(given: Omit<ModelAccount, 'id'> & { id?: number }): number {
    if (!Number.isInteger(given.score)) throw new Refused('WT_VALIDATION');
    const row = { ...given, id: given.id ?? this.counter + 1 };
    if (this.accounts.some((other) => other.id === row.id)) throw new Refused('WT_DUPLICATE_KEY');
    this.checkAccount(row);
    this.accounts.push(row);
    this.accounts.sort((a, b) => a.id - b.id);
    this.counter = Math.max(this.counter, row.id);
    return row.id;
  }

  updateAccount(id: number, change: Partial<ModelAccount>): void {
    if (change.score !== undefined && !Number.isInteger(change.score)) throw new Refused('WT_VALIDATION');
    const row = this.accounts.find((candidate) => candidate.id === id);
    if (row === undefined) throw new Refused('WT_NOT_FOUND');
    const changed = { ...row, ...change };
    this.checkAccount(changed);
    Object.assign(row, changed);
  }

  upsertAccount(given: Omit<ModelAccount, 'id'> & { id?: number }): { key: number; inserted: boolean } {
    const exists = given.id !== undefined && this.accounts.some((row) => row.id === given.id);
    if (!exists) return { key: this.insertAccount(given), inserted: true };
    this.updateAccount(given.id as number, given);
    return { key: given.id as number, inserted: false };
  }

  deleteAccount(id: number): boolean {
    const before = this.accounts.length;
    this.accounts = this.accounts.filter((row) => row.id !== id);
    return this.accounts.length < before;
  }

  /** Changes the rows that match, one after the other in key order, all or none. */
  updateWhere(matches: (row: ModelAccount) => boolean, change: (row: ModelAccount) => Partial<ModelAccount>): number {
    return this.whole(() => {
      const ids = this.accounts.filter(matches).map((row) => row.id);
      for (const id of ids) this.updateAccount(id, change(this.accounts.find((row) => row.id === id) as ModelAccount));
      return ids.length;
    });
  }

  deleteWhere(matches: (row: ModelAccount) => boolean): number {
    const before = this.accounts.length;
    this.accounts = this.accounts.filter((row) => !matches(row));
    return before - this.accounts.length;
  }

  insertEntry(row: ModelEntry): [string, number] {
    if (this.entries.some((other) => other.tenant === row.tenant && other.number === row.number)) throw new Refused('WT_DUPLICATE_KEY');
    const taken = this.entries.some((other) => row.label !== null && other.tenant === row.tenant && other.label === row.label);
    if (taken) throw new Refused('WT_UNIQUE_VIOLATION', 'label_of_tenant');
    this.entries.push({ ...row });
    this.entries.sort((a, b) => (a.tenant < b.tenant ? -1 : a.tenant > b.tenant ? 1 : a.number - b.number));
    return [row.tenant, row.number];
  }

  relabelEntry(tenant: string, number: number, label: string | null): void {
    const row = this.entries.find((candidate) => candidate.tenant === tenant && candidate.number === number);
    if (row === undefined) throw new Refused('WT_NOT_FOUND');
    const taken = this.entries.some((other) => other !== row && label !== null && other.tenant === tenant && other.label === label);
    if (taken) throw new Refused('WT_UNIQUE_VIOLATION', 'label_of_tenant');
    row.label = label;
  }

  deleteEntry(tenant: string, number: number): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter((row) => row.tenant !== tenant || row.number !== number);
    return this.entries.length < before;
  }
}
