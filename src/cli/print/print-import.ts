import type { ImportReport } from '../../operations/import/import-backups.ts';
import type { ImportPlan, PlannedImport } from '../../operations/import/plan-imports.ts';
import { formatCount, formatMoment, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

const sources: Readonly<Record<PlannedImport['timeFrom'], string>> = {
  given: 'as given',
  name: 'its name',
  content: 'its content',
  file: 'time of the file',
};

/** One line for each file. */
export function textOfImportPlan({ imports, refused, passedOver }: ImportPlan): string {
  const rows = imports.map(({ path, component, what, bytes, time, timeFrom, present }) => [
    printable(path),
    printable(component),
    present ? `${what} (there already)` : what,
    formatSize(bytes),
    formatMoment(time),
    sources[timeFrom],
  ]);
  const table = formatTable(['file', 'component', 'what', 'size', 'time', 'time from'], rows);
  const others =
    passedOver.length === 0
      ? []
      : [
          `${formatCount(passedOver.length, 'other file')} passed over: ${passedOver.slice(0, 5).map(printable).join(', ')}${passedOver.length > 5 ? ', …' : ''}`,
        ];
  return [table, ...refused.map(({ path, error }) => `REFUSED ${printable(path)}: ${error.message}`), ...others].join('\n');
}

export function recordsOfImportPlan({ imports, refused }: ImportPlan): object[] {
  return [
    ...imports.map(({ path, component, kind, what, bytes, time, timeFrom, present }) => ({
      message_type: 'import',
      path,
      component,
      kind,
      what,
      bytes,
      time: time.toISOString(),
      time_from: timeFrom,
      present,
    })),
    ...refused.map(({ path, error }) => ({ message_type: 'refused', path, error: error.code, message: error.message, hint: error.hint })),
  ];
}

export function recordOfImport({ plan, imported, refused, done }: ImportReport): object {
  return {
    message_type: 'summary',
    imported,
    present: plan.imports.filter(({ present }) => present).length,
    refused: refused.map(({ path }) => path),
    ...(done ? {} : { dry_run: true }),
  };
}

export function textOfImport({ plan, imported, refused, done }: ImportReport): string {
  const present = plan.imports.filter((each) => each.present).length;
  const rest = `${present} there already, ${refused.length} refused`;
  if (!done) return `dry run: ${formatCount(plan.imports.length - present, 'point')} would be made, ${rest}; nothing was done`;
  return `${formatCount(imported.length, 'point')} made of old backups, ${rest}`;
}
