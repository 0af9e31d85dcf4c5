import { createHash, randomBytes } from 'node:crypto';
import { Database } from '../../lib/index.js';
import { Session } from './session.js';

export interface SessionStoreOptions {
  readonly path: string;
  /** How long a session lives that nobody uses. */
  readonly lifeMs: number;
  /** How often expired sessions are removed; none is ever given, whatever this is. */
  readonly sweepMs?: number;
}

/** Sessions that live for as long as they are used, and survive a restart. */
export class SessionStore {
  private readonly sessions;

  private constructor(
    readonly db: Database,
    private readonly lifeMs: number,
  ) {
    this.sessions = db.table(Session);
  }

  static async open({ path, lifeMs, sweepMs = 1000 }: SessionStoreOptions): Promise<SessionStore> {
    return new SessionStore(await Database.open({ path, tables: [Session], expiryIntervalMs: sweepMs }), lifeMs);
  }

  /** @returns the token, when the session is stored: a cookie that is given out is good after a power cut, too */
  async create(user: string, data: Record<string, string> = {}): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    this.sessions.insert({ digest: digestOf(token), user, data, createdAt: new Date(), expiresAt: this.fromNow() });
    await this.db.waitForOps();
    return token;
  }

  /** The session of a token, whose time begins anew. */
  use(token: string): Session | undefined {
    const session = this.sessions.select(digestOf(token));
    if (session === undefined) return undefined;
    // Written when half of its time is over, and not at each request.
    if (session.expiresAt.getTime() - Date.now() > this.lifeMs / 2) return session;
    const expiresAt = this.fromNow();
    this.sessions.updateBy(session.digest, { expiresAt });
    return Object.assign(session, { expiresAt });
  }

  async end(token: string): Promise<boolean> {
    const ended = this.sessions.delete(digestOf(token));
    await this.db.waitForOps();
    return ended;
  }

  /** Ends every session of a user, as after a new password. @returns how many */
  async endAll(user: string): Promise<number> {
    const ended = this.sessions.queries.deleteByUser(user);
    await this.db.waitForOps();
    return ended;
  }

  /** Calls `listener` with each session whose time is over, when it is removed. */
  onExpired(listener: (session: Session) => void): void {
    this.sessions.on('change', ({ expired, before }) => {
      if (expired === true && before !== null) listener(before);
    });
  }

  close(): Promise<void> {
    return this.db.close();
  }

  private fromNow(): Date {
    return new Date(Date.now() + this.lifeMs);
  }
}

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
