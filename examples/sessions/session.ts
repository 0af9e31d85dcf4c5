import { Column, type DeleteQuery, ExpiresAt, Index, PrimaryKey, PrimaryKeyProp, Query, Table } from '../../lib/index.js';

/** Who is logged in. The key is a digest of the token, so that the files on disk give nobody a session. */
@Table()
export class Session {
  [PrimaryKeyProp]?: 'digest';
  @PrimaryKey({ using: 'hash' }) digest!: string;
  @Index() @Column() user!: string;
  @Column({ values: 'string' }) data!: Record<string, string>;
  @Column() createdAt!: Date;
  @ExpiresAt() expiresAt!: Date;

  @Query({ delete: true, by: 'user' })
  static deleteByUser: DeleteQuery<Session, 'user'>;
}
