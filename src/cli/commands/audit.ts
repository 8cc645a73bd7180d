import type { Catalog } from '../../catalog/catalog.ts';
import type { Repository } from '../../engine/repository.ts';
import { exitStatus, type ExitStatus, reasonOf } from '../../errors.ts';
import type { CommandContext } from '../command-context.ts';
import { openHostCatalog } from '../open-catalog.ts';
import type { CommandDescription } from '../command-description.ts';
import { openRepository } from '../open-repository.ts';
import { readCount, readTime } from '../option-values.ts';
import { actorIn } from '../run-recorder.ts';

const usualCount = 100;
const longestReason = 1000;

export const auditCommand: CommandDescription = {
  name: 'audit',
  description:
    'Lists the audit trail of a repository: who made, restored, read or deleted what, from where, with which plan and result, the oldest first. The trail is kept in the repository, sealed, one object a record; nothing in holdfast removes one.',
  options: [
    { flags: '--event <event>', text: 'only this: backup, restore, read, prune, key, sign-in, …' },
    { flags: '--user <name>', text: 'only what this user did, or this API token' },
    { flags: '--on-host <name>', text: 'only what was done on this host' },
    { flags: '--since <time>', text: 'only what was done then or later' },
    { flags: '--limit <n>', text: `at most so many, the newest (default: ${usualCount})` },
  ],
  examples: ['audit -r /backups/app', 'audit -r /backups/app --event restore --since 2026-01-01 --json'],
  run: (context) =>
    withTrail(context, async (repository, catalog) => {
      const { options, output, events } = context;
      const { auditEvents } = await import('../../observe/audit/audit-record.ts');
      const { listAudit } = await import('../../operations/audit/list-audit.ts');
      const { recordOfAudit, textOfAudit } = await import('../print/print-audit.ts');
      const event = options.value('event', (text) => {
        if (!auditEvents.some((each) => each === text)) throw new Error(`is none of: ${auditEvents.join(', ')}`);
        return text;
      });
      const [user, host, since] = [options.text('user'), options.text('on-host'), options.value('since', readTime)];
      const { records, unreadable } = await listAudit(repository, catalog, {
        limit: options.value('limit', readCount) ?? usualCount,
        ...(event === undefined ? {} : { event }),
        ...(user === undefined ? {} : { user }),
        ...(host === undefined ? {} : { host }),
        ...(since === undefined ? {} : { since }),
      });
      if (unreadable > 0) {
        const reason = `${unreadable} of its records cannot be read; see: holdfast audit verify`;
        events({ type: 'problem', path: 'the audit trail', reason });
      }
      if (output.json) for (const record of records) output.result(recordOfAudit(record), () => '');
      else output.result({}, () => textOfAudit(records, output.verbose));
      return exitStatus.done;
    }),
};

export const auditVerifyCommand: CommandDescription = {
  name: 'audit verify',
  description:
    'Finds what was removed from the audit trail, changed in it or put in its place. Each record holds the hash of the one before; a cut end is found by what this host has seen before, and by what other hosts have written. Exit status 4: something is wrong with the trail.',
  options: [
    { flags: '--accept <reason>', text: 'put down in the trail that what is found was looked at, and why; it is not counted any more' },
  ],
  examples: ['audit verify -r /backups/app', 'audit verify -r /backups/app --accept "the disk was restored from a mirror"'],
  run: (context) =>
    withTrail(context, async (repository, catalog) => {
      const { options, output, environment } = context;
      const reason = options.text('accept');
      const { acceptFindings, verifyAudit } = await import('../../operations/audit/verify-audit.ts');
      const { recordOfFinding, recordOfVerification, textOfFinding, textOfVerification } = await import('../print/print-audit.ts');
      const report = await verifyAudit(repository, catalog);
      for (const finding of report.findings) output.finding(recordOfFinding(finding), () => textOfFinding(finding));
      output.result(recordOfVerification(report), () => (output.quiet ? '' : textOfVerification(report)));
      if (report.findings.length === 0) return exitStatus.done;
      if (reason === undefined) return exitStatus.disproved;
      await acceptFindings(repository, catalog, report, { by: actorIn(environment), reason: reason.slice(0, longestReason) });
      output.say('accepted; who and why is in the trail');
      return exitStatus.done;
    }),
};

/** What this host remembers is a help, and not needed. */
async function withTrail(
  context: CommandContext,
  work: (repository: Repository, catalog: Catalog | undefined) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const repository = await openRepository(context);
  let catalog: Catalog | undefined;
  try {
    catalog = await openMemory(context);
    return await work(repository, catalog);
  } finally {
    catalog?.close();
    await repository.close();
  }
}

async function openMemory(context: CommandContext): Promise<Catalog | undefined> {
  try {
    return await openHostCatalog(context);
  } catch (error) {
    context.events({ type: 'notice', message: `what this host remembers of the trail cannot be used: ${reasonOf(error)}` });
    return undefined;
  }
}
