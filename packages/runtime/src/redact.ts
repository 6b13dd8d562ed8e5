const secretKey =
  /passw(or)?d|secret|token|authorization|cookie|credential|write_?key|private_?key|api_?key/i;
const urlPassword = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"]*:)[^\s@"]*(?=@)/gi;

export const hidden = '***';

/** Hides the password of every URL in a text (`postgres://app:pw@host` → `postgres://app:***@host`). */
export function hideUrlPasswords(text: string): string {
  return text.includes('://') ? text.replace(urlPassword, `$1${hidden}`) : text;
}

/** Whether the values of a key must not be printed. */
export function isSecretKey(key: string): boolean {
  return secretKey.test(key);
}
