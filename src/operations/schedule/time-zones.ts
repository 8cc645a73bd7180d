/** The zone of this machine, by its name. */
export function machineTimezone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Whether the hours of two zones are the same all year. */
export function isSameTimezone(one: string, other: string, now: Date): boolean {
  return Array.from({ length: 53 }, (_, week) => new Date(now.getTime() + week * 7 * 86_400_000)).every(
    (moment) => hourIn(one, moment) === hourIn(other, moment),
  );
}

function hourIn(timeZone: string, moment: Date): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(moment);
}
