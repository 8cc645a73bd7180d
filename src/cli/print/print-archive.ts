import type { ArchiveReport } from '../../operations/archive/make-archive.ts';
import { formatCount, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfArchive({ plan, location, files, bytes, encryption, verified, dryRun }: ArchiveReport): object {
  return {
    message_type: 'summary',
    archive: plan.name,
    location,
    point: plan.point.id,
    time: plan.point.time,
    components: plan.components.flatMap(({ tags }) => (tags.kind === 'point' ? [] : [tags.component])),
    files,
    bytes,
    encryption: encryption ?? null,
    verified,
    ...(dryRun ? { dry_run: true } : {}),
  };
}

export function textOfArchive({ plan, location, files, bytes, encryption, verified, dryRun }: ArchiveReport): string {
  const sealed = encryption === undefined ? 'not encrypted' : `encrypted by ${encryption}`;
  const of = `point ${plan.point.id.slice(0, 8)} of ${plan.point.time}`;
  const table = formatTable(
    ['file', dryRun ? 'size before compression' : 'size'],
    files.map(({ name, size }) => [printable(name), formatSize(size)]),
  );
  const end = dryRun
    ? `dry run: ${formatCount(files.length, 'file')} of ${of}, about ${formatSize(bytes)}, ${sealed}, would be written to ${printable(location)}; nothing was done`
    : `${of} archived in ${printable(location)}: ${formatCount(files.length, 'file')}, ${formatSize(bytes)}, ${sealed}, ${verified ? 'read back and compared' : 'sizes compared (this class is not read at once)'}`;
  return `${table}\n${end}`;
}
