/**
 * Whether bytes are UTF-8, as the Unicode standard has it: shortest forms, no surrogates, nothing beyond U+10FFFF. For
 * short text, where a native call would cost more. Reads no byte at or behind `to`.
 */
export function isShortUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  while (at < to) {
    const first = bytes[at++] as number;
    if (first < 128) continue;
    if (first < 0xc2 || first > 0xf4) return false; // a continuation, an overlong form, or beyond all code points
    const more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (at + more > to) return false;
    const second = bytes[at] as number;
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) return false;
    for (let n = 1; n < more; n++) if (((bytes[at + n] as number) & 0xc0) !== 0x80) return false;
    at += more;
  }
  return true;
}
