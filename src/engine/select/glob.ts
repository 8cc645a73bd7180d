/**
 * One component of a pattern, with the meaning of Go's filepath.Match: `*` any characters, `?` one, `[a-z]` and `[^a-z]` one of a
 * class, `\` takes the next character as it is. Compiled once; matching never backtracks further than the last `*`, so no name and
 * no pattern can make it slow (a regular expression of several `.*` could).
 */
type Piece =
  | { readonly literal: string }
  | { readonly any: true }
  | { readonly negated: boolean; readonly ranges: readonly (readonly [low: number, high: number])[] };
type Token = Piece | 'star';

/** Whether a name matches. */
export type NameTest = (name: string) => boolean;

/** Compiles one component; undefined when it is malformed (an open class, a `\` at the end). */
export function compileGlob(pattern: string): NameTest | undefined {
  if (!/[*?[\\]/.test(pattern)) return (name) => name === pattern;
  const tokens = tokenize([...pattern]);
  if (tokens === undefined) return undefined;
  return compileSimple(tokens) ?? ((name) => matchTokens(tokens, [...name]));
}

function tokenize(characters: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*') {
      if (tokens.at(-1) !== 'star') tokens.push('star');
    } else if (character === '?') tokens.push({ any: true });
    else if (character === '[') {
      const end = readClass(characters, at + 1, tokens);
      if (end === undefined) return undefined;
      at = end;
    } else if (character === '\\') {
      at += 1;
      const escaped = characters[at];
      if (escaped === undefined) return undefined;
      tokens.push({ literal: escaped });
    } else tokens.push({ literal: character });
  }
  return tokens;
}

/** Reads a class from after its `[`; the place of its `]`, or undefined when malformed. */
function readClass(characters: readonly string[], start: number, tokens: Token[]): number | undefined {
  const negated = characters[start] === '^';
  const ranges: [number, number][] = [];
  let at = negated ? start + 1 : start;
  const readOne = (): number | undefined => {
    let character = characters[at];
    if (character === undefined || character === '-' || character === ']') return undefined;
    if (character === '\\') character = characters[(at += 1)];
    at += 1;
    return character?.codePointAt(0);
  };
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = readOne();
    if (low === undefined) return undefined;
    let high: number | undefined = low;
    if (characters[at] === '-') {
      at += 1;
      high = readOne();
      if (high === undefined) return undefined;
    }
    ranges.push([low, high]);
  }
  tokens.push({ negated, ranges });
  return at;
}

/** The few shapes nearly every pattern has: `*`, `*.ext`, `name*`, `*part*`. */
function compileSimple(tokens: readonly Token[]): NameTest | undefined {
  let text = '';
  for (const [at, token] of tokens.entries()) {
    if (token === 'star') {
      if (at !== 0 && at !== tokens.length - 1) return undefined;
    } else if ('literal' in token) text += token.literal;
    else return undefined;
  }
  /* Half a surrogate pair is a byte that is not UTF-8 and must not match inside a pair. */
  if (!text.isWellFormed()) return undefined;
  const first = tokens[0] === 'star';
  const last = tokens.at(-1) === 'star';
  if (text === '') return first ? () => true : undefined;
  if (first && last) return (name) => name.includes(text);
  if (first) return (name) => name.endsWith(text);
  return last ? (name) => name.startsWith(text) : (name) => name === text;
}

function matchTokens(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let starToken = -1;
  let starAt = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current === 'star') {
      starToken = token;
      starAt = at;
      token += 1;
    } else if (current !== undefined && matchPiece(current, name[at] ?? '')) {
      token += 1;
      at += 1;
    } else if (starToken >= 0) {
      starAt += 1;
      at = starAt;
      token = starToken + 1;
    } else return false;
  }
  while (tokens[token] === 'star') token += 1;
  return token === tokens.length;
}

function matchPiece(piece: Piece, character: string): boolean {
  if ('any' in piece) return true;
  if ('literal' in piece) return piece.literal === character;
  const code = character.codePointAt(0) ?? 0;
  return piece.ranges.some(([low, high]) => low <= code && code <= high) !== piece.negated;
}
