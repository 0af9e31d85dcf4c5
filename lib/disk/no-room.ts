const CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE']);

/** Whether it is the error of a disk that takes no more, after which everything is as it was. */
export function isNoRoom(error: unknown): boolean {
  return CODES.has(String((error as NodeJS.ErrnoException).code));
}
