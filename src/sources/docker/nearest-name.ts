/** What somebody may have meant. */

/** The name that takes the fewest letters to change into, where few enough do. */
function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const near = names
    .map((name) => ({ name, distance: name.includes(wanted) ? 1 : distanceBetween(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance);
  return near[0]?.name;
}

/** `it has db and web; did you mean "db"?` Ends a sentence of the catalogue. */
export function nameWhatThereIs(wanted: string, names: readonly string[], nothing: string): string {
  if (names.length === 0) return nothing;
  const shown = [...new Set(names)].toSorted();
  const list = shown.length > 12 ? `${shown.slice(0, 12).join(', ')} and ${shown.length - 12} more` : shown.join(', ');
  const near = nearestName(wanted, shown);
  return near === undefined ? `there is ${list}` : `there is ${list} (perhaps "${near}" is meant)`;
}

function distanceBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [row, letter] of [...a].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const change = (above[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(change, (above[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    above = current;
  }
  return above[b.length] ?? 0;
}
