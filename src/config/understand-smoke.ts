/** Smoke tests, and the assertions of drills, as they are written and what they mean. */
import type { SmokeTest } from './configuration.ts';
import { definedOnly } from './defined-only.ts';
import type { ConfigurationFile } from './schema/schema.ts';
import { understandCommand } from './understand-shared.ts';

type WrittenSmokeTests = NonNullable<ConfigurationFile['recovery']>['smoke'];
type WrittenSmoke = Exclude<NonNullable<WrittenSmokeTests>, readonly unknown[]>;

/** One, a list, or none. */
export function understandSmokeTests(written: WrittenSmokeTests): readonly SmokeTest[] {
  if (written === undefined) return [];
  return (Array.isArray(written) ? written : [written]).map(understandSmoke);
}

function understandSmoke(smoke: WrittenSmoke): SmokeTest {
  if (typeof smoke === 'string') return understandCommand(smoke);
  const { sql, component, http, status, contains, run, ...where } = smoke;
  if (sql !== undefined) return { sql, ...(component === undefined ? {} : { component }) };
  if (http !== undefined) return { http, ...definedOnly({ status, contains }) };
  return understandCommand({ run: run ?? '', ...where });
}
