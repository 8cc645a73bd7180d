/** A backup by whoever runs this: `back-up-as-somebody.ts REPOSITORY FOLDER`. Prints its problems and its snapshot as JSON. */
import { createLocalStorage } from '../../../storage/local/local-storage.ts';
import { openRepository } from '../../repository.ts';
import { backUpTree } from './backup-bench.ts';

const [path = '', folder = ''] = process.argv.slice(2);
const repository = await openRepository(createLocalStorage(path), { password: 'x' });
const { problems, summary } = await backUpTree(repository, [folder]);
process.stdout.write(JSON.stringify({ problems, snapshotId: summary.snapshotId }));
