/** Which names promise a secret. */

/** What a blanked value reads as. It is a plain word to a shell, to YAML, JSON, INI and within a URL. */
export const redactionMark = '__REDACTED__';

const secretWords =
  'pass(?:w(?:or)?d|phrase|code)?s?|pwd|pw|secrets?|tokens?|credentials?|creds?|dsn|auth|requirepass|masterauth|bearer|jwt|salt|pepper|cookies?|signature|signing|private|conn(?:ection)?str(?:ing)?|webhooks?|licen[cs]e|pin|otp|totp|seed|mnemonic|sas|apikeys?|accesskeys?|hmac|conninfo';

/** Words of a name: `dbPassword`, `DB_PASSWORD`, `db.password` and `db-password` are all `db password`. */
function wordsOf(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .trim()
    .toLowerCase();
}

const byWord = new RegExp(`(?:^| )(?:${secretWords})(?: |$)`);
/** Within a word too, because names are written together: `PGPASSWORD`, `mysecret`, `authtoken`. */
const byPart = /passw|passphrase|secret|token|credential|apikey|privatekey|accesskey|authkey|requirepass|masterauth/;
const keys = /(?:^| )(?:[a-z0-9]*key|keys)(?: (?:id|base|data|material|value|[0-9]+))?$/;
/** Says where a secret lies, how long it is valid, or what it is called, and not what it is. */
const aboutSecret =
  / (?:file|files|path|dir|folder|name|names|ttl|expiry|expires|expiration|lifetime|timeout|length|size|rounds|type|method|algorithm|enabled|required|min|max|policy|age|seconds|minutes|hours|days)$/;
const publicKeys = /(?:^| )(?:public|foreign|primary|sort|partition|cache|group by|order) keys?$/;

/** True for `DB_PASSWORD`, `apiKey`, `sentry.dsn`; false for `DB_PASSWORD_FILE`, `TOKEN_TTL`, `publicKey`. */
export function isSecretKey(name: string): boolean {
  const words = wordsOf(name);
  if (aboutSecret.test(` ${words}`) || publicKeys.test(words)) return false;
  return byWord.test(words) || byPart.test(words.replaceAll(' ', '')) || keys.test(words);
}
