/** Splits a command line into words as a shell does, with quotes and backslashes, and without expanding anything. Throws RangeError where a quote stays open. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const letter = line.charAt(at);
    const next = line.charAt(at + 1);
    if (letter === '\\' && quote !== "'" && (quote === undefined ? next !== '' : ['"', '\\', '$', '`'].includes(next))) {
      word = (word ?? '') + next;
      at += 1;
    } else if (quote !== undefined) {
      if (letter === quote) quote = undefined;
      else word = (word ?? '') + letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + letter;
    }
  }
  if (quote !== undefined) throw new RangeError(`the quote ${quote} is not closed in: ${line}`);
  return word === undefined ? words : [...words, word];
}
