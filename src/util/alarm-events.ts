/** What alarms are about: the words that routes of a configuration choose by, and that alarms carry. */
export const alarmEvents = [
  'failure',
  'success',
  'start',
  'objective',
  'anomaly',
  'drill',
  'space',
  'lock',
  'missed',
  'daemon',
  'recovery',
] as const;

export type AlarmEvent = (typeof alarmEvents)[number];
