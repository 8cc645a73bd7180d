import { reasonOf } from '../../errors.ts';
import { maskUrls } from './mask-secrets.ts';

/** Why an address did not answer: fetch only says that it failed, and why is in the cause. Without secrets. */
export function reasonOfFetch(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return maskUrls(cause instanceof Error && cause.message !== '' ? cause.message : reasonOf(error));
}
