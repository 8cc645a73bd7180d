import type { Point } from '../points.ts';

/** `import:0f3a…`: which file a point was made of, so that it is not made again. */
export type ImportTag = `import:${string}`;

export function importTag(sha256: string): ImportTag {
  return `import:${sha256.slice(0, 16)}`;
}

export function isImported(points: readonly Point[], tag: ImportTag, component: string): boolean {
  return points.some(({ components }) => components.some(({ tags }) => tags.component === component && tags.own.includes(tag)));
}
