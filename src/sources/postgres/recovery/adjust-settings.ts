/** A server from another machine may not start with its own settings on this one: which can be changed without harm to what is recovered. */
import { splitList } from './recovery-settings.ts';
import type { RecoveryProgress } from './server-log.ts';
import type { Settings } from './recovery-target.ts';

export interface Adjustment {
  readonly settings: Settings;
  /** What was changed and why, for people. */
  readonly notice: string;
}

/** Settings to try again with, after a server ended or stands still for those it has. Undefined where that is no matter of settings. */
export function adjustSettings(progress: RecoveryProgress, settings: Settings): Adjustment | undefined {
  const low = Object.entries(progress.tooLow).filter(([name, value]) => settings[name] !== value);
  if (low.length > 0)
    return {
      settings: Object.fromEntries(low),
      notice: `The write-ahead log needs ${low.map(([name, value]) => `${name} = ${value}`).join(', ')}; the recovery goes on with that.`,
    };
  for (const line of progress.fatal) {
    const [, library] = /could not access file "([^"]+)": No such file/.exec(line) ?? [];
    const libraries = settings['shared_preload_libraries'];
    if (library !== undefined && libraries !== undefined && splitList(libraries).includes(library))
      return {
        settings: {
          shared_preload_libraries: splitList(libraries)
            .filter((name) => name !== library)
            .join(', '),
        },
        notice: `The library "${library}" is not installed on this machine: the recovery goes on without it.`,
      };
    if (/could not map anonymous shared memory/.test(line) && settings['shared_buffers'] !== '128MB')
      return {
        settings: { shared_buffers: '128MB' },
        notice: 'This machine has not the memory that shared_buffers asks for: the recovery goes on with 128 MB.',
      };
  }
  return undefined;
}
