let allowed: boolean | undefined;

/** Whether this process may turn text into functions; `--disallow-code-generation-from-strings` and some policies forbid it. */
export function codeGenerationAllowed(): boolean {
  if (allowed === undefined) {
    try {
      allowed = new Function('return true')() === true;
    } catch {
      allowed = false;
    }
  }
  return allowed;
}
