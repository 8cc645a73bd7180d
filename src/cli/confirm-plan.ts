/** Shows a plan, and asks where somebody is there to answer. */
import { HoldfastError } from '../errors.ts';
import type { CommandContext } from './command-context.ts';

/**
 * The plan is shown even with --quiet where it is asked about. Without a terminal nothing is done unless --yes was given. Throws `nobody-to-ask`,
 * `not-confirmed`.
 */
export async function confirmPlan({ options, output }: CommandContext, record: object, text: () => string): Promise<boolean> {
  const dryRun = options.has('dry-run');
  const sure = options.has('yes') || dryRun;
  if (output.json || !output.quiet || !sure) output.result(record, text);
  if (sure) return true;
  const { askToConfirm, isInteractive } = await import('./ask.ts');
  if (!isInteractive()) throw new HoldfastError('nobody-to-ask');
  if (!(await askToConfirm('Do this?'))) throw new HoldfastError('not-confirmed');
  return true;
}
