/** What retention keeps: of a repository, or of one component. */
import { z } from 'zod';
import { calendarDurationForm } from '../quantities.ts';
import { mapping, textLike, wholeNumber } from './parts.ts';

const keepRule = 'a whole number from 0 to 99999, or unlimited';

function keepCount(what: string) {
  return z
    .union([wholeNumber(0, 99_999), z.literal('unlimited', { error: keepRule })], { error: keepRule })
    .meta({ description: what })
    .optional();
}

export const keep = mapping({
  last: keepCount('The newest, this many.'),
  hourly: keepCount('The newest of each hour that has one, for as many hours.'),
  daily: keepCount('The newest of each day.'),
  weekly: keepCount('The newest of each week.'),
  monthly: keepCount('The newest of each month.'),
  yearly: keepCount('The newest of each year.'),
  within: textLike(calendarDurationForm, 'years, months, days and hours such as 1y6m, 30d or 12h')
    .meta({ description: 'All of the last years, months, days or hours.', examples: ['30d'] })
    .optional(),
});
