/** V8 lets a `Map` hold 2^24 entries and no more. */
const MAP_LIMIT = 2 ** 24 - 1;

/**
 * A `Map` without that limit: when the newest of its maps is full, another is opened. A key is in one of them at most.
 * Below the limit it costs one array access more than a `Map`.
 */
export class BigMap<K, V> {
  private readonly maps: Map<K, V>[] = [new Map()];
  private current = this.maps[0] as Map<K, V>;

  /** @param limit entries a map; smaller in tests alone. */
  constructor(private readonly limit = MAP_LIMIT) {}

  get size(): number {
    if (this.maps.length === 1) return this.current.size;
    return this.maps.reduce((sum, map) => sum + map.size, 0);
  }

  get(key: K): V | undefined {
    const found = this.current.get(key);
    return found !== undefined || this.maps.length === 1 ? found : this.holder(key)?.get(key);
  }

  private holder(key: K): Map<K, V> | undefined {
    return this.maps.find((map) => map.has(key));
  }

  set(key: K, value: V): void {
    const holder = this.maps.length === 1 ? this.current : (this.holder(key) ?? this.current);
    if (holder === this.current && holder.size >= this.limit && !holder.has(key)) this.open();
    (holder.has(key) ? holder : this.current).set(key, value);
  }

  /** A map with room: an older one that has shrunk, or a new one. */
  private open(): void {
    const roomy = this.maps.find((map) => map.size < this.limit);
    this.current = roomy ?? new Map();
    if (roomy === undefined) this.maps.push(this.current);
  }

  delete(key: K): boolean {
    return this.maps.length === 1 ? this.current.delete(key) : (this.holder(key)?.delete(key) ?? false);
  }

  *entries(): Generator<[K, V]> {
    for (const map of this.maps) yield* map;
  }

  clear(): void {
    this.maps.length = 1;
    this.current = this.maps[0] as Map<K, V>;
    this.current.clear();
  }
}
