/** Writes a recovery point as plain files: plan, seal, write, read back. */
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { throwIfAborted } from '../../engine/run-context.ts';
import type { StorageEnvironment } from '../../storage/storage-options.ts';
import { type LockChoice, withReadLock } from '../open-session.ts';
import { openTarget, type ArchiveTarget, type WrittenFile } from './archive-target.ts';
import { fileNameOf, oneFileEnding, type ArchivePlan } from './archive-plan.ts';
import { planArchive, type ArchiveRequest } from './plan-archive.ts';
import { openSealer, type Sealer, type SealRequest } from './sealing.ts';
import { writeFiles } from './write-files.ts';
import { writeOneFile } from './write-one-file.ts';

export interface MakeArchiveRequest extends ArchiveRequest {
  /** A folder, a file, or an address. */
  readonly to: string;
  readonly storageClass?: string;
  readonly seal: SealRequest;
  /** Credentials of the place. */
  readonly environment: StorageEnvironment;
  readonly dryRun: boolean;
  readonly lock: LockChoice;
}

export interface ArchiveReport {
  readonly plan: ArchivePlan;
  readonly location: string;
  /** What was written, or would be: then without sums, and sizes as they are before compression. */
  readonly files: readonly (Omit<WrittenFile, 'sha256'> & { readonly sha256?: string })[];
  readonly bytes: number;
  readonly encryption: string | undefined;
  /** Whether it was read back and compared; false for a class that is not read at once. */
  readonly verified: boolean;
  readonly dryRun: boolean;
}

/**
 * Makes an archive. Whatever fails, nothing half is left under its name. Throws `archive-exists`, `archive-target`, `archive-mismatch`, `seal-recipient`,
 * `snapshot-missing`, and what reading the repository and writing to the place throw.
 */
export async function makeArchive(repository: Repository, request: MakeArchiveRequest, context: RunContext): Promise<ArchiveReport> {
  return withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async (locked) => {
      const sealer = await openSealer(request.seal, request.environment, locked.signal);
      try {
        const plan = await planArchive(repository, { ...request, withSecrets: sealer !== undefined }, locked);
        const ending = request.oneFile ? oneFileEnding(plan, sealer?.ending ?? '') : undefined;
        const target = await openTarget({ ...request, name: plan.name, ending, now: repository.clock.now() });
        try {
          return request.dryRun ? foresee(plan, target, sealer) : await write(plan, target, sealer, locked);
        } finally {
          await target.close();
        }
      } finally {
        await sealer?.close();
      }
    },
  });
}

async function write(plan: ArchivePlan, target: ArchiveTarget, sealer: Sealer | undefined, context: RunContext): Promise<ArchiveReport> {
  if (sealer === undefined)
    context.events({
      type: 'notice',
      message:
        'The archive is not encrypted: whoever has it reads everything in it but the secrets of configuration files, which are left out.',
    });
  await target.begin();
  try {
    const files = plan.oneFile ? [await writeOneFile(plan, target, sealer, context)] : await writeFiles(plan, target, sealer, context);
    context.events({ type: 'phase', phase: 'read the archive back' });
    let verified = true;
    for (const file of files) {
      throwIfAborted(context.signal);
      verified = (await target.verify(file)) && verified;
    }
    await target.finish();
    return { ...reportOf(plan, target, sealer), files, bytes: sumOf(files), verified, dryRun: false };
  } catch (error) {
    await target.abandon().catch(() => {});
    throw error;
  }
}

function foresee(plan: ArchivePlan, target: ArchiveTarget, sealer: Sealer | undefined): ArchiveReport {
  const ending = sealer?.ending ?? '';
  const files = plan.items.map((item) => ({ name: plan.oneFile ? item.name : fileNameOf(item, plan, ending), size: item.size }));
  return { ...reportOf(plan, target, sealer), files, bytes: sumOf(files), verified: false, dryRun: true };
}

function reportOf(
  plan: ArchivePlan,
  { location }: ArchiveTarget,
  sealer: Sealer | undefined,
): Pick<ArchiveReport, 'plan' | 'location' | 'encryption'> {
  return { plan, location, encryption: sealer?.title };
}

function sumOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
