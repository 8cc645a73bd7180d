import { comparePaths } from '../../util/path-bytes.ts';

/**
 * Order of two names by their bytes, which is the order inside a tree. JavaScript compares UTF-16 units; that is the same order
 * as long as the first units that differ lie below the surrogates, which is nearly always.
 */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return left < 0xd800 && right < 0xd800 ? left - right : comparePaths(a, b);
  }
  return a.length - b.length;
}
