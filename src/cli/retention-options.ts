/** The `--keep-…` options as a retention policy. */
import type { GroupBy } from '../policy/group-snapshots.ts';
import type { KeepCount, RetentionPolicy } from '../policy/retention.ts';
import type { OptionDescription } from './command-description.ts';
import { readCount } from './option-values.ts';
import type { ParsedOptions } from './parsed-options.ts';

const periods = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

export const retentionOptions: readonly OptionDescription[] = [
  { flags: '--keep-last <n>', text: 'keep the newest n points of each group, or "unlimited"' },
  ...periods.map((period) => ({ flags: `--keep-${period} <n>`, text: `keep the newest point of each of n ${unitOf(period)}` })),
  { flags: '--keep-within <duration>', text: 'keep all points of this time before the newest, such as 1y5m7d2h' },
  ...periods.map((period) => ({
    flags: `--keep-within-${period} <duration>`,
    text: `keep the newest point of each of the ${unitOf(period)} in this time`,
  })),
  { flags: '--keep-tag <tags>', text: 'keep points with all of these tags, separated by commas (may be repeated)' },
  {
    flags: '-g, --group-by <properties>',
    text: 'apply the rules to points of the same host, paths (with components), tags (default: host,paths)',
  },
];

/** The policy, or undefined where no rule was given. Throws `usage`. */
export function readPolicy(options: ParsedOptions): RetentionPolicy | undefined {
  const policy: Record<string, unknown> = {};
  const count = (name: string, option: string): void => {
    const value = options.value(option, readKeepCount);
    if (value !== undefined) policy[name] = value;
  };
  const within = (name: string, option: string): void => {
    const value = options.text(option);
    if (value !== undefined) policy[name] = value;
  };
  count('last', 'keep-last');
  within('within', 'keep-within');
  for (const period of periods) {
    count(period, `keep-${period}`);
    within(`within${period[0]?.toUpperCase() ?? ''}${period.slice(1)}`, `keep-within-${period}`);
  }
  if (options.has('keep-tag')) policy['tags'] = options.texts('keep-tag').map((list) => list.split(','));
  return Object.keys(policy).length === 0 ? undefined : policy;
}

/** Host and paths, as in restic, unless told otherwise; an empty list puts all points in one group. */
export function readGroupBy(options: ParsedOptions): GroupBy {
  return (
    options.value('group-by', (text) => {
      const words = text
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== '');
      if (!words.every((word) => /^(hosts?|paths?|tags?)$/.test(word))) throw new Error('is not a list of host, paths, tags');
      const has = (start: string): boolean => words.some((word) => word.startsWith(start));
      return { host: has('host'), paths: has('path'), tags: has('tag') };
    }) ?? { host: true, paths: true }
  );
}

function readKeepCount(text: string): KeepCount {
  return text === 'unlimited' || text === '-1' ? 'unlimited' : readCount(text);
}

function unitOf(period: (typeof periods)[number]): string {
  return { hourly: 'hours', daily: 'days', weekly: 'weeks', monthly: 'months', yearly: 'years' }[period];
}
