/** Saves what a restore is about to overwrite: a point of its own, which `latest` never means. */
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { backUp } from '../back-up.ts';
import type { LockChoice } from '../open-session.ts';
import { safetyTag } from '../points.ts';
import type { ApplicationTools } from './application-tools.ts';
import type { PutBack } from './put-back.ts';

/** The point that was made, or why there is none. */
export type SafetyCopy = { readonly point: string } | { readonly skipped: string };

/** Throws `safety-copy-failed`, and `interrupted`. */
export async function takeSafetyCopy(
  tools: ApplicationTools,
  repository: Repository,
  component: string,
  putBack: PutBack,
  lock: LockChoice,
): Promise<SafetyCopy> {
  const { context, configuration } = tools;
  try {
    const source = await putBack.present();
    if (source === undefined) return { skipped: 'there is nothing that would be overwritten' };
    context.events({ type: 'phase', phase: `safety copy of ${component}` });
    const order = { components: [{ source }], application: configuration.application, tags: [safetyTag], lock: { ...lock, noLock: false } };
    const { pointId, problems } = await backUp(repository, order, context);
    if (pointId === undefined || problems > 0) throw new Error('not everything could be read');
    return { point: pointId };
  } catch (error) {
    if (context.signal.aborted) throw error;
    throw new HoldfastError('safety-copy-failed', { component, reason: reasonOf(error) }, error);
  }
}
