/** `--retrieve`: what lies in an archive class is brought back before the command does its work. */
import type { Repository } from '../engine/repository.ts';
import type { RetrievalScope } from '../operations/retrieve.ts';
import type { RetrievalPlan } from '../operations/retrieve-objects.ts';
import type { ScopeFacts } from '../operations/retrieve-scopes.ts';
import type { CommandContext } from './command-context.ts';
import type { OptionDescription } from './command-description.ts';
import { lockChoice } from './open-repository.ts';
import { formatCount, formatSize } from './print/quantities.ts';

const speeds = ['standard', 'bulk', 'expedited'] as const;

export const retrieveOption: OptionDescription = {
  flags: '--retrieve <speed>',
  text: 'ask for what is needed and lies in an archive class (GLACIER, DEEP_ARCHIVE, Archive), and wait for it: hours, and it costs money',
  choices: speeds,
};

/** Says what will be read; most of what finds that out is only loaded where it is asked for. */
type ScopeChoice = 'all' | 'folders' | ((scopes: typeof import('../operations/retrieve-scopes.ts'), facts: ScopeFacts) => RetrievalScope);

/**
 * Nothing without the option. Where it waits it may be interrupted, and goes on when the command is given again.
 *
 * @returns false after a dry run that would have to ask for something: then nothing can be said of what comes after it
 */
export async function retrieveFirst(context: CommandContext, repository: Repository, choice: ScopeChoice): Promise<boolean> {
  const { options, output } = context;
  const speed = speeds.find((each) => each === options.text('retrieve'));
  if (speed === undefined) return true;
  if (options.has('as-of')) throw options.wrong('--retrieve is for what there is now, and not for --as-of');
  const { retrieve } = await import('../operations/retrieve.ts');
  const facts = { now: repository.clock.now(), events: context.events };
  const scope = typeof choice === 'string' ? choice : choice(await import('../operations/retrieve-scopes.ts'), facts);
  const dryRun = options.has('dry-run');
  const onPlan = ({ objects, bytes, asked }: RetrievalPlan): void => {
    const before = asked === 0 ? '' : `, ${asked} of them asked for before`;
    const text = `${formatCount(objects, 'object')} (${formatSize(bytes)}) to be retrieved from the archive${before} (${speed})`;
    if (output.json) output.result({ message_type: 'retrieval', objects, bytes, asked, speed, dry_run: dryRun }, () => text);
    else output.remark(dryRun ? `${text}; nothing was asked for` : text);
  };
  return retrieve(repository, { scope, speed, dryRun, lock: lockChoice(context), onPlan }, context);
}
