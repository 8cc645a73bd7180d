/** Drills: points that are restored for real, at times of their own. */
import type { z } from 'zod';
import { duration, mapping, named, oneOrMany, rule, size, text, textLike, wordOf } from './parts.ts';
import { smoke } from './recovery.ts';
import { scheduleText } from './schedule.ts';

const portVariable = textLike(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable such as WEB_PORT');

const drill = rule(
  mapping({
    schedule: scheduleText()
      .meta({ description: 'When it is due. Without it, only when somebody asks.', examples: ['monthly', '0 5 1 * *'] })
      .optional(),
    kind: wordOf(['check', 'restore', 'full'])
      .meta({
        description:
          '`check`: the repository and every byte of the point are read. `restore`: components are restored for real, compared, and dropped. `full`: the whole application comes up beside itself.',
        default: 'restore',
      })
      .optional(),
    restore: oneOrMany(text('the name of a component'), 'a component, or a list of components')
      .meta({ description: 'Only these components; all of them where it is not said.' })
      .optional(),
    into: wordOf(['temporary', 'cluster'])
      .meta({
        description:
          'Where a dump goes: a database of its own on the server it was saved from, or a server of its own on this machine, which leaves that one alone.',
        default: 'temporary',
      })
      .optional(),
    compare: wordOf(['rows', 'none'])
      .meta({ description: 'Whether sequences are compared too, and files are read back. Rows are always counted.', default: 'rows' })
      .optional(),
    assert: oneOrMany(smoke, 'an assertion, or a list of them')
      .meta({ description: 'What must hold of what was restored: as `smoke` of `recovery`.' })
      .optional(),
    within: duration().meta({ description: 'It must be done within this time.', default: '6h' }).optional(),
    space: size().meta({ description: 'It may take so much room at most; what is free is looked at in any case.' }).optional(),
    repository: text('the name of a repository').meta({ description: 'Whose points; the first where it is not said.' }).optional(),
    ports: oneOrMany(portVariable, 'a variable, or a list of variables')
      .meta({
        description: 'With `kind: full`: variables of the Compose file that hold ports. Each gets a free one.',
        examples: ['WEB_PORT'],
      })
      .optional(),
  }),
  (value) => {
    if (value['kind'] === 'full' && 'restore' in value)
      return { at: 'restore', found: '"restore" with kind: full', allowed: 'kind: restore, or all components' };
    return 'ports' in value && value['kind'] !== 'full'
      ? { at: 'ports', found: '"ports" without kind: full', allowed: 'both together' }
      : undefined;
  },
);

export const drills = named(drill, 'drills').meta({
  description: 'Points that are restored for real, compared and dropped again: `holdfast drill NAME` does one.',
});

export type WrittenDrill = z.infer<typeof drill>;
