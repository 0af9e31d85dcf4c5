import type { Lsn } from '../cdc/operation.js';
import { OffsetAheadError } from '../errors.js';
import { isPositionName } from '../transaction/positions.js';
import { CONSUMER, Consumer, type ConsumerOptions, type ConsumerStats } from './consumer.js';
import type { FeedHub } from './feed-hub.js';

/** The named consumers of a database's feed. */
export class Consumers {
  private readonly byName = new Map<string, Consumer>();

  constructor(private readonly hub: FeedHub) {}

  /** The consumer of this name: the same one at every call; a new one is remembered from now on. */
  get(name: string, { from }: ConsumerOptions): Consumer {
    const { hub } = this;
    if (typeof name !== 'string' || name === '' || !isPositionName(CONSUMER + name))
      throw new TypeError('consumer takes a name, of up to 246 bytes of text');
    if (from !== undefined && from !== 'snapshot' && !(Number.isSafeInteger(from) && from >= 0)) {
      throw new TypeError("from is an LSN, from 0 on, or 'snapshot'");
    }
    let consumer = this.byName.get(name);
    if (consumer !== undefined && !consumer.isUndone) return consumer;
    if (typeof from === 'number' && from > hub.lsn) throw new OffsetAheadError(from, hub.lsn);
    consumer = new Consumer(hub, name, from, this.byName);
    const isNew = consumer.position === undefined;
    hub.record();
    if (isNew && from !== 'snapshot') {
      hub.journal.setPosition(CONSUMER + name, from ?? hub.lsn);
      hub.hold(CONSUMER + name, from ?? hub.lsn);
    }
    this.byName.set(name, consumer);
    return consumer;
  }

  /** Has what they have not acknowledged kept for those that are stored. */
  restore(): void {
    for (const { name, position } of this.stats()) this.hub.hold(CONSUMER + name, position);
  }

  stats(): ConsumerStats[] {
    const { hub } = this;
    const found: ConsumerStats[] = [];
    for (const [stored, position] of hub.journal.positions) {
      if (!stored.startsWith(CONSUMER)) continue;
      const name = stored.slice(CONSUMER.length);
      found.push({ name, position: position as Lsn, lag: hub.lsn - position, isTruncated: position < hub.oldestLsn });
    }
    return found;
  }
}
