/** What holdfast.yaml allows of durations and sizes. */
import { parseDuration } from '../util/quantities.ts';

/** As policy/retention-duration.ts reads it: m is months. */
export const calendarDurationForm = /^(?:\d{1,5}[ymdh])+$/;

/** What a timer can wait: 24 days. */
const longestDuration = 24 * 86_400_000;

/** `90s`, `10m`, `2m30s`, `24h` in milliseconds; undefined for anything else, for nothing, and for more than 24 days. */
export function readDuration(text: string): number | undefined {
  const milliseconds = parseDuration(text) ?? 0;
  return milliseconds > 0 && milliseconds <= longestDuration ? milliseconds : undefined;
}
