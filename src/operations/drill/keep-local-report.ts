/** Reports are also kept on this host: what a drill said must not depend on the repository that it was about. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DrillReport } from './drill-report.ts';

/** Throws where the folder cannot be written. */
export async function keepLocalReport(stateFolder: string, report: Omit<DrillReport, 'previous'>): Promise<void> {
  const folder = join(stateFolder, 'reports');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = `drill-${report.began.replaceAll(':', '-')}-${report.id}.json`;
  await writeFile(join(folder, name), `${JSON.stringify(report, undefined, 1)}\n`, { mode: 0o600 });
}
