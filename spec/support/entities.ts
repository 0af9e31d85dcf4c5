import {
  Column,
  type DeleteQuery,
  Index,
  type InPlaceQuery,
  OptionalProps,
  PrimaryKey,
  PrimaryKeyProp,
  Query,
  Table,
  type UpdateQuery,
} from '../../lib/index.js';

export class Address {
  @Column() city!: string;
  @Column('int') zip!: number;
}

/** The contract's own example, with a default and more declared queries. */
@Table({ name: 'account', version: 3, pageSizeBytes: 64 * 1024 })
@Index({ columns: ['country', 'score'] })
export class Account {
  [OptionalProps]?: 'createdAt' | 'tags' | 'balance';

  @PrimaryKey({ autoincrement: true }) id!: number;
  @Index({ unique: true }) @Column() email!: string;
  @Index() @Column() country!: string;
  @Index() @Column('int') score!: number;
  @Column({ type: 'long', default: 0n }) balance!: bigint;
  @Column({ nullable: true }) note?: string | null;
  @Column({ type: 'timestamp-millis', default: () => new Date(1_700_000_000_000) }) createdAt!: Date;
  @Column({ enum: ['free', 'paid'] }) plan!: 'free' | 'paid';
  @Column({ items: 'string', default: () => [] }) tags!: string[];
  @Column({ type: () => Address, nullable: true }) address?: Address | null;

  @Query({ update: ['balance'], by: 'id' }) static setBalanceById: UpdateQuery<Account, 'balance', 'id'>;
  @Query({ update: ['plan'], by: 'country' }) static setPlanByCountry: UpdateQuery<Account, 'plan', 'country'>;
  @Query({ update: ['email'], by: 'country' }) static setEmailByCountry: UpdateQuery<Account, 'email', 'country'>;
  @Query({ update: ['country', 'score'], by: ['plan', 'country'] })
  static moveByPlan: UpdateQuery<Account, ['country', 'score'], ['plan', 'country']>;
  @Query({ delete: true, by: 'country' }) static deleteByCountry: DeleteQuery<Account, 'country'>;
  @Query({ delete: true, by: 'note' }) static deleteByNote: DeleteQuery<Account, 'note'>;
  @Query({ inPlace: ['score'], by: 'id' }) static bumpScoreById: InPlaceQuery<Account, 'score', 'id'>;
  @Query({ inPlace: ['email', 'tags'], by: 'country' }) static editByCountry: InPlaceQuery<Account, ['email', 'tags'], 'country'>;
  @Query({ inPlace: ['note'], by: 'email' }) static editNoteByEmail: InPlaceQuery<Account, 'note', 'email'>;

  get domain(): string {
    return this.email.slice(this.email.indexOf('@') + 1);
  }

  describe(): string {
    return `${this.email} (${this.country})`;
  }
}

/** A composite key whose parts are of different types. */
@Table()
@Index({ columns: ['tenant', 'label'], unique: true, name: 'label_of_tenant', using: 'packed' })
export class LedgerEntry {
  [PrimaryKeyProp]?: ['tenant', 'number'];

  @PrimaryKey() @Column('string') tenant!: string;
  @PrimaryKey() @Column('int') number!: number;
  @Column({ nullable: true, type: 'string' }) label?: string | null;
  @Column('double') amount!: number;
}

let nextUuid = 0;

/** A generated key, hashed, with hash indexes. */
@Table({ name: 'session' })
export class Session {
  [PrimaryKeyProp]?: 'token';

  @PrimaryKey({ generate: () => `00000000-0000-4000-8000-${String(++nextUuid).padStart(12, '0')}`, using: 'hash' })
  @Column('uuid')
  token!: string;
  @Index({ using: 'hash' }) @Column('int') user!: number;
  @Index({ using: 'hash', unique: true }) @Column('bytes') fingerprint!: Uint8Array;
  @Column('timestamp-millis') expires!: Date;
}

/** A number of every kind that has an awkward value, all indexed, all nullable. */
@Table({ name: 'reading' })
export class Reading {
  @PrimaryKey() @Column('int') id!: number;
  @Index() @Column({ type: 'double', nullable: true }) value?: number | null;
  @Index({ using: 'hash' }) @Column({ type: 'double', nullable: true }) copy?: number | null;
  @Index({ unique: true }) @Column({ type: 'string', nullable: true }) tag?: string | null;
  @Index({ unique: true, nullsDistinct: false }) @Column({ type: 'string', nullable: true }) slot?: string | null;
  @Index({ using: 'packed' }) @Column({ type: 'long', as: 'bigint', nullable: true }) ticks?: bigint | null;
}

export const ENTITIES = [Account, LedgerEntry, Session, Reading] as const;

/** A valid account, different for each number. */
export function account(n: number, overrides: Partial<Account> = {}) {
  return {
    email: `user${n}@example.com`,
    country: ['FR', 'DE', 'GB', 'IT'][n % 4] as string,
    score: n % 10,
    plan: 'free' as const,
    ...overrides,
  };
}
