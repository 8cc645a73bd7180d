import { availableParallelism } from 'node:os';
import { HoldfastError } from '../../errors.ts';
import { platformCalls } from '../platform/platform-calls.ts';
import type { Repository } from '../repository.ts';
import { EntryMetadata } from './entry-metadata.ts';
import { EntryPaths } from './entry-paths.ts';
import { entryFlag, type EntryTable } from './entry-table.ts';
import { finishFolders, makeLinksAndNodes, removeDeletions, removeUnfinished, type FinishParts } from './finish-entries.ts';
import { prepareTarget } from './prepare-target.ts';
import { RestoreCrew } from './restore-crew.ts';
import type { RestorePlan } from './restore-plan.ts';
import type { RestoreContext, RestoreSummary } from './restore-request.ts';
import { writeContents } from './write-contents.ts';

const mostThreads = 16;
const mostNamed = 10;

/**
 * Carries a plan out, once. Metadata that cannot be set, and entries that cannot be made, are told as `problem` and counted; the run goes on.
 *
 * @throws HoldfastError `restore-damaged` at the end, when all else is done, where content is lost: those files are not there, rather than wrong.
 * `target-full`, `target-unusable`, `interrupted` and what the storage throws end it at once, without the files that were half written.
 */
export async function executeRestore(repository: Repository, plan: RestorePlan, context: RestoreContext): Promise<RestoreSummary> {
  if (plan.request.dryRun === true) return { ...plan.totals, problems: 0, verified: 0 };
  if (context.signal.aborted) throw new HoldfastError('interrupted');
  for (const message of platformCalls().limits) context.events({ type: 'notice', message });
  // Loading an index leaves much that is freed and not given back; the threads are about to need theirs.
  platformCalls().returnFreedMemory();
  const crew = new RestoreCrew(repository, plan, { ...context, size: Math.min(mostThreads, availableParallelism()) });
  try {
    return await new Restore(repository, plan, crew, context).run();
  } finally {
    await crew.close();
  }
}

class Restore {
  readonly #repository: Repository;
  readonly #plan: RestorePlan;
  readonly #table: EntryTable;
  readonly #crew: RestoreCrew;
  readonly #context: RestoreContext;
  readonly #parts: FinishParts;
  /** What is lost: entry to reason. */
  readonly #damage: Map<number, string>;

  constructor(repository: Repository, plan: RestorePlan, crew: RestoreCrew, context: RestoreContext) {
    this.#repository = repository;
    this.#plan = plan;
    this.#table = plan.table;
    this.#crew = crew;
    this.#context = context;
    this.#damage = new Map(plan.damage);
    const tell = (entry: number, reason: string): void => crew.tellProblem(entry, reason);
    const rules = { owners: plan.request.owners ?? process.geteuid?.() === 0, umask: process.umask() };
    this.#parts = {
      table: plan.table,
      paths: new EntryPaths(plan.table, plan.target),
      metadata: new EntryMetadata(plan.table, rules, tell),
      tell,
    };
  }

  async run(): Promise<RestoreSummary> {
    await prepareTarget(this.#plan, this.#parts.paths, this.#parts.tell, this.#context.signal);
    await this.#write();
    removeUnfinished(this.#parts, true);
    for (const [entry, reason] of this.#damage) this.#parts.tell(entry, this.#describeDamage(entry, reason));
    await makeLinksAndNodes(this.#parts, this.#context.signal);
    this.#crew.throwIfStopped();
    const deleted = await this.#delete();
    await finishFolders(this.#parts);
    this.#crew.throwIfStopped();
    const verified = this.#plan.request.verify === true ? await this.#verify() : 0;
    if (this.#damage.size > 0) throw this.#damageError();
    return { ...this.#plan.totals, deletions: deleted, problems: this.#crew.problems, verified };
  }

  async #write(): Promise<void> {
    try {
      await writeContents(this.#repository, this.#plan, this.#crew, this.#damage, this.#context.signal);
    } catch (error) {
      // No thread may still be writing what is removed now.
      await this.#crew.close();
      removeUnfinished(this.#parts, false);
      throw error;
    }
  }

  /** Returns how many went. Nothing is deleted while something is lost: what is to go may be the last that is left of it. */
  async #delete(): Promise<number> {
    const { deletions } = this.#plan;
    if (deletions.length === 0) return 0;
    if (this.#damage.size > 0) {
      this.#context.events({
        type: 'notice',
        message: `Nothing was deleted in ${this.#plan.target}, because some of the snapshot could not be restored.`,
      });
      return 0;
    }
    const failures = await removeDeletions(deletions, this.#context.signal);
    this.#crew.throwIfStopped();
    for (const failure of failures) {
      this.#crew.problems += 1;
      this.#context.events({ type: 'problem', ...failure });
    }
    return deletions.length - failures.length;
  }

  async #verify(): Promise<number> {
    const files: number[] = [];
    let bytes = 0;
    for (let entry = 0; entry < this.#table.count; entry++) {
      if (
        this.#table.typeOf(entry) !== 'file' ||
        this.#table.hasFlag(entry, entryFlag.hardLink) ||
        !this.#table.hasFlag(entry, entryFlag.done)
      )
        continue;
      files.push(entry);
      bytes += this.#table.sizeOf(entry);
    }
    await this.#crew.checkFiles('verify', files, bytes);
    for (const [entry, reason] of this.#crew.different) {
      this.#damage.set(entry, reason);
      this.#parts.tell(entry, reason);
    }
    return files.length - this.#crew.different.size;
  }

  #describeDamage(entry: number, reason: string): string {
    if (this.#table.typeOf(entry) === 'dir') return reason;
    const stays = this.#table.hasFlag(entry, entryFlag.exists | entryFlag.replaces) && !this.#table.hasFlag(entry, entryFlag.touched);
    return `${stays ? 'it is left as it was' : 'it is not restored'}: ${reason}`;
  }

  #damageError(): HoldfastError {
    const names = [...this.#damage.keys()].slice(0, mostNamed).map((entry) => this.#parts.paths.of(entry));
    const more = this.#damage.size - names.length;
    const [reason = ''] = this.#damage.values();
    return new HoldfastError('restore-damaged', { paths: names.join(', ') + (more > 0 ? ` and ${more} more` : ''), reason });
  }
}
