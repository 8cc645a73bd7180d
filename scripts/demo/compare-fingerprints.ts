import type { ApplicationFingerprint } from './application.ts';

/** What is different after a recovery: one line a table or file; empty when nothing was lost. */
export function compareFingerprints(before: ApplicationFingerprint, after: ApplicationFingerprint): string[] {
  const tables = (of: ApplicationFingerprint): Map<string, string> =>
    new Map(Object.entries(of.tables).map(([name, { rows, md5 }]) => [`table ${name}`, `${rows} rows, md5 ${md5}`]));
  const files = (of: ApplicationFingerprint): Map<string, string> =>
    new Map(Object.entries(of.files).map(([path, what]) => [`file ${path}`, what]));
  return [...compareMaps(tables(before), tables(after)), ...compareMaps(files(before), files(after))];
}

export function countRows({ tables }: ApplicationFingerprint): number {
  return Object.values(tables).reduce((sum, { rows }) => sum + rows, 0);
}

function compareMaps(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${name}: ${before.get(name) ?? 'was not there'} → ${after.get(name) ?? 'is gone'}`);
}
