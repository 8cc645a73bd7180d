/** What archives, and the files in them, are called. */
export const readmeFile = 'README.txt';
export const manifestFile = 'manifest.json';
/** Written last: an archive that has it is whole. */
export const sumsFile = 'SHA256SUMS';

/** `northstar-timesheet-20261120T143000Z`: fit for every store, and in the order of time. */
export function archiveName(prefix: string, time: Date): string {
  return `${namePrefix(prefix)}-${time.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
}

/** Begins with a small letter or a digit, as keys of stores must. */
function namePrefix(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return plain.slice(0, 80) || 'archive';
}

/** The time in an archive's name; undefined for the name of anything else. */
export function timeOfArchive(prefix: string, name: string): Date | undefined {
  const start = `${namePrefix(prefix)}-`;
  if (!name.startsWith(start)) return undefined;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(name.slice(start.length)) ?? [];
  if (year === undefined) return undefined;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
