/** The engine for other programs: repositories in restic's format, below the words of applications and components. */
export { backup, type BackupRequest, type BackupSummary } from './backup.ts';
export { checkRepository } from './check/check-repository.ts';
export { copySnapshots } from './copy/copy-snapshots.ts';
export { lockRepository } from './lock/lock-repository.ts';
export { executePrune } from './prune/execute-prune.ts';
export { planPrune } from './prune/plan-prune.ts';
export { initRepository, openRepository, Repository, type InitOptions, type OpenOptions } from './repository.ts';
export { executeRestore } from './restore/execute-restore.ts';
export { planRestore } from './restore/plan-restore.ts';
export type { RunContext } from './run-context.ts';
export { findSnapshot } from './snapshots/find-snapshot.ts';
export { loadSnapshots } from './snapshots/load-snapshots.ts';
