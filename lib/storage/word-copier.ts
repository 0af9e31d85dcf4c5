/**
 * Copies bytes from anywhere to where a word begins, four at a time: many rows out of one buffer, which it remembers.
 * A native copy costs more than the bytes of most rows.
 */
export class WordCopier {
  private source: Buffer | undefined;
  private view: DataView = new DataView(new ArrayBuffer(0));

  /** Copies `length` bytes; what is left of the last word is zeroed, and has to be the caller's. */
  copy(source: Buffer, from: number, length: number, target: Int32Array, to: number): void {
    if (source !== this.source) {
      this.view = new DataView(source.buffer, source.byteOffset, source.length);
      this.source = source;
    }
    const { view } = this;
    const words = length >> 2;
    let at = from;
    for (let word = 0; word < words; word++) {
      target[to + word] = view.getInt32(at, true);
      at += 4;
    }
    const left = length & 3;
    if (left === 0) return;
    let last = view.getUint8(at);
    if (left > 1) last |= view.getUint8(at + 1) << 8;
    if (left > 2) last |= view.getUint8(at + 2) << 16;
    target[to + words] = last;
  }
}
