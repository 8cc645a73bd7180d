/**
 * Backs up a folder, lists the points, and restores the newest one beside it:
 *
 *   HOLDFAST_PASSWORD=… node back-up-a-folder.ts FOLDER REPOSITORY TARGET
 */
import {
  type EventSink,
  HoldfastError,
  backUp,
  chooseComponents,
  createRepository,
  isError,
  listPoints,
  openRepository,
  restoreFiles,
} from 'holdfast';

const [folder, url, target] = process.argv.slice(2);
const password = process.env['HOLDFAST_PASSWORD'];
if (folder === undefined || url === undefined || target === undefined || password === undefined) {
  throw new Error('three folders are needed, and HOLDFAST_PASSWORD');
}

const repository = await openRepository({ url, password }).catch((error: unknown) => {
  if (isError(error, 'repository-missing')) return createRepository({ url, password });
  throw error;
});

try {
  const components = await chooseComponents({
    files: { roots: [folder], select: { exclude: ['*.tmp'] } },
    component: 'uploads',
    environment: process.env,
  });
  const events: EventSink = (event) => {
    if (event.type === 'problem') console.error(`${event.path}: ${event.reason}`);
  };
  const report = await backUp(repository, { components, tags: ['example'] }, { events });
  console.log(`saved ${report.pointId?.slice(0, 8) ?? 'nothing'}: ${report.saved[0]?.summary.totalFilesProcessed ?? 0} files`);

  for (const point of await listPoints(repository)) {
    console.log(`${point.short_id}  ${point.time}  ${point.components.join(', ')}`);
  }

  const restored = await restoreFiles(repository, { point: { name: 'latest:uploads' }, restore: { target } });
  console.log(`restored ${restored.summaries[0]?.files ?? 0} files to ${restored.target}`);
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  console.error(`${error.message}\n${error.hint}`);
  process.exitCode = error.exitStatus;
} finally {
  await repository.close();
}
