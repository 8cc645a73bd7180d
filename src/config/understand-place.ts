/** Credentials, classes, locks and limits of a repository's place, as they are written and what they mean. */
import { parseSize } from '../util/quantities.ts';
import type { PlaceLimits, RepositoryConfiguration } from './configuration.ts';
import { definedOnly } from './defined-only.ts';
import type { ConfigurationFile } from './schema/schema.ts';
import { understandSecret } from './understand-shared.ts';

type WrittenRepository = Exclude<ConfigurationFile['repositories'][string], string>;
export type WrittenPlace = Pick<WrittenRepository, 'credentials' | 'class' | 'lock' | 'limits'>;

type Place = Pick<RepositoryConfiguration, 'credentials' | 'storageClass' | 'lock' | 'limits'>;

const dayMs = 86_400_000;

export function understandPlace({ credentials, class: storageClass, lock, limits }: WrittenPlace, folder: string): Place {
  return {
    ...(credentials === undefined
      ? {}
      : {
          credentials: Object.fromEntries(Object.entries(credentials).map(([name, secret]) => [name, understandSecret(secret, folder)])),
        }),
    ...definedOnly({ storageClass }),
    ...(lock === undefined ? {} : { lock: { mode: lock.mode, forMs: Number.parseInt(lock.for, 10) * dayMs } }),
    ...(limits === undefined ? {} : { limits: understandLimits(limits) }),
  };
}

function understandLimits({ upload, download, connections, hours }: NonNullable<WrittenPlace['limits']>): PlaceLimits {
  const [from, to] = hours?.split('-').map(minutesOf) ?? [];
  return {
    ...definedOnly({ upload: bytesOf(upload), download: bytesOf(download), connections }),
    ...(from === undefined || to === undefined ? {} : { hours: { from, to } }),
  };
}

function bytesOf(written: string | number | undefined): number | undefined {
  return typeof written === 'string' ? parseSize(written) : written;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
