/** Finds secrets by their looks, wherever they stand: in a value, in the middle of a line, in a comment. */

/** From `start` to before `end`. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

interface Detector {
  readonly pattern: RegExp;
  /** Reads a name and a value, which sentences also look like. */
  readonly named?: true;
  /** Group of the pattern that is the secret; the whole match where absent. */
  readonly group?: number;
}

const quotedOrWord = `(?:"((?:[^"\\\\\\n]|\\\\.)+)"|'((?:[^'\\\\\\n]|\\\\.)+)'|([^\\s"'&;,)\\]}<>]+))`;
const secretName = `[\\w.-]{0,60}(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|shared[_-]?access[_-]?key|private[_-]?key|credentials?|requirepass|masterauth|client[_-]?secret)`;

/** A block of PEM, also on one line with \n written out: its first and last line stay. One that is cut off goes as far as it looks like one. */
export function pemPattern(end: string): RegExp {
  const body = end === '' ? '(?:(?:\\s|\\\\[nr])*[A-Za-z0-9+/=]{16,})+' : '(?:(?!-----(?:BEGIN|END))[\\s\\S])*?';
  return new RegExp(`-----BEGIN [A-Z0-9 ]+-----(${body})${end}`, 'g');
}

const detectors: readonly Detector[] = [
  ...['-----END [A-Z0-9 ]+-----', ''].map((end) => ({ pattern: pemPattern(end), group: 1 })),
  /* scheme://user:password@host. A password may hold any of :/?#@ unescaped: up to the last @ before a space or a quote. */
  { pattern: /[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/[^\s:/?#@"'<>]{0,200}:([^\s"'`<>]{1,1000})@/g, group: 1 },
  /* https://TOKEN@host */
  { pattern: /[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/([^\s:/?#@"'<>]{16,1000})@/g, group: 1 },
  {
    pattern: /[?&;](?:[\w.-]{0,60}(?:pass|pwd|token|secret|key|auth|sig|signature|credential|code|sas)[\w.-]{0,60})=([^&\s"'<>;#]+)/gi,
    group: 1,
  },
  /* password=… within a connection string, --password …, -Dtoken=… */
  { pattern: new RegExp(`(?:^|[^\\w])${secretName}["']?\\s*[=:]\\s*${quotedOrWord}`, 'gi'), named: true },
  { pattern: new RegExp(`--?${secretName}["',]*[ =]\\s*${quotedOrWord}`, 'gi'), named: true },
  {
    pattern: new RegExp(`(?:^|\\s)(?:requirepass|masterauth|sentinel auth-pass \\S+|identified by)\\s+${quotedOrWord}`, 'gi'),
    named: true,
  },
  { pattern: /\b(?:Bearer|Basic|Token|Digest)\s+([A-Za-z0-9+/=._~-]{8,})/g, group: 1 },
  { pattern: /\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}/g },
  { pattern: /\b(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA)[A-Z0-9]{12,}\b/g },
  {
    pattern:
      /\b(?:gh[pousr]_|github_pat_|glpat-|gldt-|npm_|pypi-|dop_v1_|hf_|shpat_|shpss_|sq0\w{3}-|dckr_pat_|lin_api_|ntn_|nvapi-|ATATT|hvs\.|hvb\.)[A-Za-z0-9_=.-]{10,}/g,
  },
  { pattern: /\bxox[a-z]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}/g },
  { pattern: /hooks\.slack\.com\/(?:services|workflows)\/([A-Za-z0-9/_-]+)/g, group: 1 },
  { pattern: /discord(?:app)?\.com\/api\/webhooks\/([A-Za-z0-9/_-]+)/g, group: 1 },
  { pattern: /hc-ping\.com\/([A-Za-z0-9-]+)/g, group: 1 },
  { pattern: /\b(?:[sprw]k|rk|whsec|pk|sk)_(?:live_|test_)?[A-Za-z0-9]{12,}/g },
  { pattern: /\bsk-[A-Za-z0-9_-]{16,}/g },
  { pattern: /\bAIza[A-Za-z0-9_-]{30,}/g },
  { pattern: /\bSG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g },
  { pattern: /\b(?:AC|SK)[0-9a-f]{32}\b/g },
  { pattern: /\b\d{6,12}:[A-Za-z0-9_-]{30,}/g },
  { pattern: /AGE-SECRET-KEY-1[A-Z0-9]+/g },
  /* Hashes of passwords. */
  { pattern: /\$(?:2[abxy]|1|5|6|y|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]*)\$[^\s"':]+/g },
  { pattern: /\{(?:S?SHA\d*|MD5|SMD5|CRYPT)\}[A-Za-z0-9+/=]+/gi },
  { pattern: /SCRAM-SHA-256\$[^\s"']+|\bmd5[0-9a-f]{32}\b/g },
  { pattern: /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi },
];

/**
 * Where secrets stand in a text, in order and without overlaps. In `prose`, a word behind "password:" is only taken for one where it is in quotes
 * or the last of its line.
 */
export function findSecrets(text: string, prose = false): TextRange[] {
  const found: TextRange[] = [];
  for (const { pattern, group, named } of detectors) {
    for (const match of text.matchAll(withIndices(pattern))) {
      const groups = match.indices ?? [];
      const place = group === undefined ? (groups.slice(1).find((range) => range !== undefined) ?? groups[0]) : groups[group];
      if (prose && named === true && place !== undefined && !isSetting(text, match.index, place)) continue;
      if (place !== undefined && place[1] > place[0] && !isReference(text.slice(...place))) found.push({ start: place[0], end: place[1] });
    }
  }
  for (const match of text.matchAll(/[A-Za-z0-9+/_~.-]{16,}={0,2}/g)) {
    if (/@sha256:$|sha256:$|sha512-$/.test(text.slice(Math.max(0, match.index - 8), match.index))) continue;
    found.push(...findRandom(match[0], match.index));
  }
  return mergeRanges(found);
}

function isSetting(text: string, from: number, [start, end]: readonly [number, number]): boolean {
  return /[="']\s*$/.test(text.slice(from, start)) || /^[\s"';,]*(?:[\r\n]|$)/.test(text.slice(end, end + 80));
}

/** Joins what overlaps. */
export function mergeRanges(ranges: readonly TextRange[]): TextRange[] {
  const merged: TextRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && range.start < last.end) merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    else merged.push(range);
  }
  return merged;
}

/** `${DB_PASSWORD}` names a secret and is none. */
function isReference(text: string): boolean {
  return /^(?:\$\{[A-Za-z_]\w*\}|\$[A-Za-z_]\w*|\{\{[^}]*\}\}|%\([\w.]+\)s|<[a-z_-]+>|\*+|x{3,}|[#;]|__REDACTED__)$/i.test(text);
}

function findRandom(word: string, at: number): TextRange[] {
  /* A path or a host name is judged part by part. Base64 may hold slashes and dots too, and changes between kinds of characters all the time. */
  const inParts = !hasThreeKinds(word) || (/^[./~]|\.\w+\/|\w\.\w/.test(word) && !changesOften(word.replaceAll(/[^A-Za-z0-9]/g, ''), 0.3));
  const parts = inParts ? word.matchAll(/[^/.=~]+/g) : word.matchAll(/[\s\S]+/g);
  return [...parts].flatMap((part) => (looksRandom(part[0]) ? [{ start: at + part.index, end: at + part.index + part[0].length }] : []));
}

/** From one kind of character to another: names do it at the beginning of a word, random ones all the time. */
function changesOften(word: string, least: number): boolean {
  const kinds = word.replaceAll(/[a-z]/g, 'a').replaceAll(/[A-Z]/g, 'A').replaceAll(/\d/g, '0');
  const changes = [...kinds].filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length;
  return word.length >= 16 && changes / word.length >= least;
}

function hasThreeKinds(word: string): boolean {
  return /[A-Z]/.test(word) && /[a-z]/.test(word) && /\d/.test(word);
}

/** Long, and with the digits and the disorder that names lack. */
export function looksRandom(word: string): boolean {
  if (/^[0-9a-f]{24,}$/i.test(word)) return true;
  const digits = word.replaceAll(/\D/g, '').length;
  if (hasThreeKinds(word))
    return word.length >= 20 ? entropy(word) >= 2.5 && changesOften(word, 0.2) : word.length >= 16 && entropy(word) >= 3.2;
  const longest = Math.max(...word.split(/[-_+]/).map((part) => part.length));
  if (digits > 0 && digits < word.length) return longest >= 20 && digits / word.length >= 0.1 && entropy(word) >= 3.2;
  return /[a-z]/.test(word) && /[A-Z]/.test(word) && longest >= 24 && entropy(word) >= 4 && changesOften(word, 0.4);
}

/** Bits a character, by how often each occurs. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

const indexed = new Map<RegExp, RegExp>();
function withIndices(pattern: RegExp): RegExp {
  const known = indexed.get(pattern) ?? new RegExp(pattern.source, `${pattern.flags}d`);
  indexed.set(pattern, known);
  return known;
}
