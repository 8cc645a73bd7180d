/** The HTTP interface as it is written and what it means, and back. */
import type { ServeConfiguration } from './configuration.ts';
import { definedOnly } from './defined-only.ts';
import type { WrittenServe } from './schema/serve.ts';
import { understandSecret } from './understand-shared.ts';

export function understandServe({ listen, tokens = [] }: WrittenServe, folder: string): ServeConfiguration {
  return {
    ...definedOnly({ listen }),
    tokens: (Array.isArray(tokens) ? tokens : [tokens]).map(({ name, role = 'viewer', token }) => ({
      name,
      role,
      token: understandSecret(token, folder),
    })),
  };
}

/** In the words of the file. */
export function writeServe({ listen, tokens }: ServeConfiguration): object {
  return definedOnly({ listen, tokens: tokens.length === 0 ? undefined : tokens });
}
