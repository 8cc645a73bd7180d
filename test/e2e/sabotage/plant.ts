/** One way in which backups can be bad while nobody looks, and what people must be told of it. */
import { expect } from 'vitest';
import { growData } from './sabotage-data.ts';
import type { CycleOptions, SabotageSystem, ToldAlarm } from './sabotage-system.ts';

export interface Plant {
  /** As it stands in docs/sabotage.md. */
  readonly name: string;
  /** Does the damage to a sound system. What the night's jobs are to be told beside it. */
  readonly plant: (system: SabotageSystem) => Promise<CycleOptions | void>;
  /** The jobs of the night that meet it; `status` comes last in any case. `backup` alone where it is not said. */
  readonly jobs?: CycleOptions['jobs'];
  readonly expect: {
    readonly event: string;
    readonly severity?: ToldAlarm['severity'];
    readonly component?: string;
    /** Fits the title and the text, which are one line each for it. */
    readonly text: RegExp;
  };
  /** Takes it away again: then the next night tells that it is over. */
  readonly mend?: (system: SabotageSystem) => Promise<void>;
}

/** On a system whose last night was sound: the next one tells of it, and where it is mended the one after tells its end. */
export async function play(system: SabotageSystem, { plant, jobs = ['backup'], expect: expected, mend }: Plant): Promise<void> {
  await system.reset();
  await growData(system);
  const options: CycleOptions = { jobs: [...jobs, 'status'], still: true, ...(await plant(system)) };
  const told = await system.cycle(options);
  const found = told.find((alarm) => alarm.state === 'open' && fits(alarm, expected));
  expect(found, `of the alarms ${JSON.stringify(told, undefined, 1)}`).toBeDefined();
  if (mend === undefined) return;
  await mend(system);
  const after = await system.cycle({ jobs: [...jobs, 'status'] });
  const ended = after.filter(({ state, key }) => state === 'resolved' && key === found?.key);
  expect(ended, `of ${found?.key} in ${JSON.stringify(after, undefined, 1)}`).toHaveLength(1);
}

function fits({ event, severity, component, title, text }: ToldAlarm, expected: Plant['expect']): boolean {
  return (
    event === expected.event &&
    (expected.severity === undefined || severity === expected.severity) &&
    (expected.component === undefined || component === expected.component) &&
    expected.text.test(`${title} ${text}`.replaceAll('\n', ' '))
  );
}
