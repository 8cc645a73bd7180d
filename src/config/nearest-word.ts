/** The word that was probably meant, or undefined where none is near. */
export function nearestWord(wrong: string, words: readonly string[]): string | undefined {
  if (wrong.length > 40) return undefined;
  const plain = wrong.toLowerCase().replaceAll(/[_\s-]/g, '');
  let best: { word: string; distance: number } | undefined;
  for (const word of words) {
    const distance = distanceOf(plain, word.toLowerCase().replaceAll(/[_\s-]/g, ''));
    if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { word, distance };
  }
  return best !== undefined && best.distance <= Math.max(1, Math.floor(Math.min(plain.length, best.word.length) * 0.4))
    ? best.word
    : undefined;
}

/** How many letters must be changed, added, removed or swapped with their neighbour. */
function distanceOf(a: string, b: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : change;
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change, swapped);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
