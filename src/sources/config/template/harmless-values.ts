/** Values that may stay although everything beside them is blanked: kinds that cannot be secrets. */
import { looksRandom } from './find-secrets.ts';

const words = new Set(
  [
    'true false yes no on off null none nil ~ enabled disabled enable disable auto default',
    'production staging development testing prod stage dev test local ci qa preview sandbox',
    'trace debug verbose info notice warn warning error err critical crit fatal panic silent quiet',
    'localhost 0.0.0.0 127.0.0.1 ::1 :: utf-8 utf8 c.utf-8 posix json text plain http https tcp udp',
  ].flatMap((line) => line.split(' ')),
);
const timeZones = new Set(['UTC', 'GMT', 'Etc/UTC', ...Intl.supportedValuesOf('timeZone')].map((zone) => zone.toLowerCase()));
const plainNumber = /^[+-]?\d{1,5}$/;
const smallFraction = /^\d{1,3}\.\d{1,3}$/;
const measure = /^\d{1,5} ?(?:ms|s|sec|m|min|h|d|w|b|k|kb|kib|mb|mib|m|g|gb|gib|t|tb|%)$/i;
const locale = /^[a-z]{2,3}[_-][A-Z]{2}(?:\.[A-Za-z0-9-]{3,10})?$/;
const reference = /^\$(?:\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)$/;

/** For values whose name does not promise a secret. */
export function isHarmless(value: string): boolean {
  const text = value.trim();
  if (text === '' || words.has(text.toLowerCase()) || timeZones.has(text.toLowerCase())) return true;
  return [plainNumber, smallFraction, measure, locale, reference].some((kind) => kind.test(text));
}

/** For values whose name does: only what cannot be anybody's password. */
export function isNoSecret(value: string): boolean {
  const text = value.trim();
  return text === '' || /^(?:true|false|null|none|~|on|off|yes|no)$/i.test(text) || reference.test(text) || isPathName(text);
}

/** The place of a key or a certificate. */
function isPathName(text: string): boolean {
  return (
    /^\/(?:run|etc|var|usr|opt|home|srv|root|tmp|app|data|certs?|secrets|mnt)\/[\w./-]{1,200}$/.test(text) &&
    !text.split(/[/.]/).some(looksRandom)
  );
}
