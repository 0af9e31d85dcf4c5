/** Text of up to so many characters is compared word by word. */
const LONGEST = 63;

/**
 * The text that an index was asked for last, as the bytes that it has where it stands in a row. Whoever hashes it leaves
 * its characters here, so that it need not be walked again to be compared.
 */
export class TextKey {
  readonly view = new DataView(new ArrayBuffer(LONGEST));
  private text: string | undefined;

  /** Whether text can be held. */
  static fits(text: string): boolean {
    return text.length <= LONGEST;
  }

  /** Tells that `view` holds this text, which is ASCII; `undefined`, that it holds none. */
  hold(text: string | undefined): void {
    this.text = text;
  }

  holds(text: string): boolean {
    return this.text === text;
  }

  /** Whether the string at `position`, its length in front of it, is the text. */
  isAt(buffer: Uint8Array, view: DataView, position: number): boolean {
    const { length } = this.text as string;
    if (buffer[position] !== length << 1) return false;
    const from = position + 1;
    const last = length - 4;
    if (last < 0) {
      for (let at = 0; at < length; at++) if (buffer[from + at] !== this.view.getUint8(at)) return false;
      return true;
    }
    for (let at = 0; at < last; at += 4) if (view.getInt32(from + at, true) !== this.view.getInt32(at, true)) return false;
    return view.getInt32(from + last, true) === this.view.getInt32(last, true);
  }
}
