import { sayDuration } from '../../policy/say-duration.ts';
import { failed, ok, warning, type Check } from './check.ts';

const soonMs = 14 * 86_400_000;

/** Whether the certificate of a server holds for a while yet. */
export function checkCertificate(about: string, until: Date, now: Date): Check {
  const name = `${about}: certificate`;
  const leftMs = until.getTime() - now.getTime();
  const day = until.toISOString().slice(0, 10);
  const remedy = 'Have it renewed by whoever runs that server. Where it renews itself, find out why it has not: certbot renew --dry-run';
  if (leftMs <= 0) return failed(name, `it ran out on ${day}`, remedy);
  return leftMs < soonMs ? warning(name, `it runs out in ${sayDuration(leftMs)}, on ${day}`, remedy) : ok(name, `it holds until ${day}`);
}
