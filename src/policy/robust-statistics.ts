/** Statistics that a few wild values do not move. */

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
}

/** The median distance from `center`, made comparable with a standard deviation. */
export function deviationOf(values: readonly number[], center: number): number {
  return 1.4826 * medianOf(values.map((value) => Math.abs(value - center)));
}

export interface Line {
  readonly slope: number;
  /** At x = 0. */
  readonly start: number;
}

/** The line whose slope is the median of the slopes between all pairs (Theil and Sen). Undefined for fewer than two different x. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Line | undefined {
  const slopes = slopesOf(points);
  if (slopes.length === 0) return undefined;
  const slope = medianOf(slopes);
  return { slope, start: medianOf(points.map(([x, y]) => y - slope * x)) };
}

/** The slopes between all pairs of points. */
export function slopesOf(points: readonly (readonly [x: number, y: number])[]): number[] {
  return points.flatMap(([x, y], index) =>
    points.slice(index + 1).flatMap(([otherX, otherY]) => (otherX === x ? [] : [(otherY - y) / (otherX - x)])),
  );
}
