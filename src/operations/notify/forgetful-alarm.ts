import type { Alarm } from '../../observe/notify/alarm.ts';

/** Told where the state folder cannot be opened: no history is kept, and what is told now is not told when it is over. */
export function forgetfulAlarm({
  application,
  folder,
  at,
}: {
  readonly application: string;
  readonly folder: string;
  readonly at: Date;
}): Alarm {
  return {
    key: 'state',
    event: 'daemon',
    severity: 'warning',
    application,
    title: 'This host cannot remember its runs and alarms',
    text: `The state folder ${folder} cannot be opened. Backups go on; but no history is kept, and nobody is told when this is over. Look whose the folder is, whether it can be written, and whether its disk is full.`,
    facts: { folder },
    at,
  };
}
