/** `holdfast status --accept`: a person says that what is odd is meant. Every repository that can be reached is told. */
import { hostname } from 'node:os';
import type { Catalog } from '../catalog/catalog.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Repository } from '../engine/repository.ts';
import { exitStatus, type ExitStatus } from '../errors.ts';
import { keepAccepted, type AcceptedRecord } from '../operations/status/accepted-records.ts';
import { chooseAccepted } from '../operations/status/accept-changes.ts';
import { readStatus, type ReadStatus } from '../operations/status/read-status.ts';
import type { StatusReport } from '../operations/status/status-report.ts';
import { currentUser } from '../util/current-user.ts';
import { applicationContext } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';
import { openNamedRepository } from './open-repository.ts';
import { printable } from './print/table.ts';

const longestReason = 1000;

/** Throws `usage` for what is neither a component, nor a repository, nor the id of something odd. */
export async function acceptChanges(
  context: CommandContext,
  configuration: Configuration,
  catalog: Catalog | undefined,
): Promise<ExitStatus> {
  const { options, signal } = context;
  const names = options.list('accept');
  const reason = options.text('reason');
  if (names.length === 0) throw options.wrong('--accept takes a component, a repository, or the id of what is odd');
  if ((reason?.length ?? 0) > longestReason) throw options.wrong(`a reason has at most ${longestReason} characters`);
  const opened: Repository[] = [];
  try {
    const use = async <Result>(named: Configuration['repositories'][number], work: (repository: Repository) => Promise<Result>) => {
      const repository = await openNamedRepository(context, named);
      opened.push(repository);
      return work(repository);
    };
    const read = await readStatus(configuration, use, await applicationContext(context), catalog);
    const by = { user: currentUser().username, host: hostname() };
    const about = { accepted: context.clock.now(), by, ...(reason === undefined ? {} : { reason }) };
    const { records, unknown } = chooseAccepted(read.status, names, about);
    const [stranger] = unknown;
    if (stranger !== undefined)
      throw options.wrong(`"${stranger}" is neither a component, nor a repository, nor the id of what is odd now`);
    // What another repository was told before, while this one could not be reached, it learns now.
    const all = [...read.facts.repositories.flatMap(({ accepted }) => accepted), ...records];
    for (const repository of opened) for (const record of all) await keepAccepted(repository, record, signal);
    return tell(context, read, records);
  } finally {
    await Promise.all(opened.map((repository) => repository.close()));
  }
}

/** What a record is about, as the report says it. */
function acceptedIn({ components, changes = [] }: StatusReport, { component, changes: accepted, standing = [] }: AcceptedRecord) {
  const odd = components.flatMap(({ name, anomalies }) => (name === component ? anomalies : []));
  return [
    ...odd
      .filter(({ metric, table }) => accepted.some((change) => change.metric === metric && change.table === table))
      .map(({ id, metric, table, sentence }) => {
        return { about: component ?? '', change: { id, metric, ...(table === undefined ? {} : { table }), message: sentence } };
      }),
    ...changes
      .filter(({ id }) => standing.includes(id))
      .map(({ id, kind, repository, sentence }) => {
        const change = { id, kind, ...(repository === undefined ? {} : { repository }), message: sentence };
        return { about: component ?? repository ?? '', change };
      }),
  ];
}

function tell({ output }: CommandContext, { status, facts }: ReadStatus, records: readonly AcceptedRecord[]): ExitStatus {
  for (const record of records) {
    const { component, at, accepted, by, reason } = record;
    const found = acceptedIn(status, record);
    output.result(
      {
        message_type: 'accepted',
        ...(component === undefined ? {} : { component }),
        changes: found.map(({ change }) => change),
        up_to: at.toISOString(),
        time: accepted.toISOString(),
        user: by.user,
        host: by.host,
        ...(reason === undefined ? {} : { reason }),
      },
      () => found.map(({ about, change }) => `accepted: ${printable(about)}: ${printable(change.message)}`).join('\n'),
    );
  }
  if (records.length === 0) output.say('nothing is odd about that now');
  for (const { name } of facts.unreachable)
    output.remark(`the repository ${printable(name)} could not be reached: accept it again when it can be, or nothing is removed there`);
  return facts.unreachable.length > 0 ? exitStatus.failed : exitStatus.done;
}
