/** Takes secrets out of a configuration that is to be shown. */

const mask = '***';
/** A shorter value stands inside ordinary words, and masking those would tell what it is: it is masked where it stands alone. */
const shortest = 5;
/* Up to the last @: a password may hold one. */
const loginInUrl = /^((?:rest:)?[a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):.*@/is;
const secretParameter = /([?&][^=&]*(?:password|secret|token|key|signature|sig)[^=&]*=)[^&#]*/gi;

/** The same values with secrets as `***`: whatever is under `value`, passwords in URLs, and these values wherever they stand. */
export function maskConfiguration(value: unknown, sensitive: readonly string[]): unknown {
  if (typeof value === 'string') return maskText(value, sensitive);
  if (Array.isArray(value)) return value.map((item) => maskConfiguration(item, sensitive));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'value' && typeof inner === 'string' ? mask : maskConfiguration(inner, sensitive),
    ]),
  );
}

/** One text. */
export function maskText(text: string, sensitive: readonly string[]): string {
  let masked = text;
  for (const value of sensitive.toSorted((a, b) => b.length - a.length)) {
    if (masked === value) return mask;
    if (value.length >= shortest) masked = masked.replaceAll(value, mask);
  }
  return masked.replace(loginInUrl, `$1:${mask}@`).replaceAll(secretParameter, `$1${mask}`);
}
