/** What a recovery aims at, and how PostgreSQL is told. */
import { HoldfastError } from '../../../errors.ts';

export type RecoveryTarget =
  /** As it was at this moment: every transaction committed until then, and none after. `microseconds` (0 to 999) are what a Date cannot hold. */
  | { readonly kind: 'time'; readonly time: Date; readonly microseconds?: number }
  /** Up to this position, such as `0/3000028`. */
  | { readonly kind: 'lsn'; readonly lsn: string }
  /** Up to the commit of this transaction, and with it. */
  | { readonly kind: 'xid'; readonly xid: string }
  /** Up to a point that `pg_create_restore_point` named. */
  | { readonly kind: 'name'; readonly name: string }
  /** To the end of what the repository has. */
  | { readonly kind: 'latest' }
  /** As the base backup is, as soon as it is consistent. */
  | { readonly kind: 'immediate' };

export type Settings = Readonly<Record<string, string>>;

const names = ['recovery_target', 'recovery_target_time', 'recovery_target_lsn', 'recovery_target_xid', 'recovery_target_name'];

/**
 * The settings for a target, the one that is set last: PostgreSQL takes them one by one, and where another is set already even an empty one is refused.
 * Throws `usage`.
 */
export function settingsOfTarget(target: RecoveryTarget): Settings {
  const own = settingOf(target);
  const empty = Object.fromEntries(names.filter((name) => !(name in own)).map((name) => [name, '']));
  return { ...empty, ...own };
}

function settingOf(target: RecoveryTarget): Settings {
  switch (target.kind) {
    case 'time':
      return { recovery_target_time: writeTime(target) };
    case 'lsn':
      return { recovery_target_lsn: target.lsn };
    case 'xid':
      return { recovery_target_xid: target.xid };
    case 'name':
      if (Buffer.byteLength(target.name) > 63 || /[\0\r\n]/.test(target.name))
        throw new HoldfastError('usage', { reason: 'the name of a restore point has at most 63 bytes', help: 'holdfast restore --help' });
      return { recovery_target_name: target.name };
    case 'immediate':
      return { recovery_target: 'immediate' };
    case 'latest':
      return {};
  }
}

/** For people: `2026-11-20T14:30:00.000Z`, `position 0/3000028`. */
export function describeTarget(target: RecoveryTarget): string {
  switch (target.kind) {
    case 'time':
      return target.time.toISOString();
    case 'lsn':
      return `position ${target.lsn}`;
    case 'xid':
      return `transaction ${target.xid}`;
    case 'name':
      return `the restore point "${target.name}"`;
    case 'immediate':
      return 'the end of the base backup';
    case 'latest':
      return 'the newest moment there is';
  }
}

/** `2026-11-20 14:30:00.000000+00`: without its zone the server would take its own. */
function writeTime({ time, microseconds = 0 }: Extract<RecoveryTarget, { kind: 'time' }>): string {
  return `${time.toISOString().replace('T', ' ').replace('Z', '')}${String(microseconds).padStart(3, '0')}+00`;
}
