/** What base backups are called and how they are made where nothing else is said. */

/** The component of the base backups that are saved beside the dump of a component. */
export function baseNameOf(component: string): string {
  return `${component}-base`;
}

/** A full one is due after 7 days, or after so many increments. */
export const defaultBasePolicy = { fullEveryMs: 7 * 86_400_000, increments: 14 };

/** How often new write-ahead log is stored: what may be lost. */
export const defaultFlushMs = 10_000;
