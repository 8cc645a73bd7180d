import type { ServeConfiguration } from '../config/configuration.ts';
import { readSecret } from '../config/read-secret.ts';
import type { Token } from './auth.ts';

/** Reads the secrets of the tokens. Throws `secret-unreadable`. */
export function readTokens(
  serve: ServeConfiguration | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): Promise<readonly Token[]> {
  return Promise.all(
    (serve?.tokens ?? []).map(async ({ name, role, token }) => ({ name, role, token: await readSecret(token, { environment, folder }) })),
  );
}
