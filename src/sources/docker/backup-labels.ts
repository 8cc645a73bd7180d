/**
 * The container labels of offen/docker-volume-backup, so that an application that has them needs no others: which containers stand still during a
 * backup, and which commands run inside before and after. Its order: commands before, stop, back up, start, commands after.
 */
import type { Container } from './docker-engine.ts';
import { splitWords } from './split-words.ts';

export interface LabelledCommand {
  readonly container: Container;
  /** Words of a program, not of a shell. */
  readonly command: readonly string[];
  /** The container's own user where absent. */
  readonly user?: string;
}

export interface BackupLabels {
  readonly stop: readonly Container[];
  readonly before: readonly LabelledCommand[];
  readonly after: readonly LabelledCommand[];
}

export interface LabelChoice {
  /** Containers whose stop-during-backup label has this value are stopped; `true` where absent. */
  readonly stopValue?: string;
  /** Only commands of containers whose exec-label has this value; all where absent. */
  readonly execLabel?: string;
}

const prefix = 'docker-volume-backup';
/* The second name of each is the older one, and only read where the first is absent. */
const names = { before: ['archive-pre', 'exec-pre'], after: ['archive-post', 'exec-post'] } as const;

/** What the labels of running containers ask for. Throws RangeError for a command with an open quote. */
export function readBackupLabels(containers: readonly Container[], { stopValue = 'true', execLabel }: LabelChoice = {}): BackupLabels {
  const commanded = containers.filter(({ labels }) => execLabel === undefined || labels[`${prefix}.exec-label`] === execLabel);
  return {
    stop: containers.filter(({ labels }) => labels[`${prefix}.stop-during-backup`] === stopValue),
    before: commanded.flatMap((container) => readCommand(container, names.before)),
    after: commanded.flatMap((container) => readCommand(container, names.after)),
  };
}

function readCommand(container: Container, [current, older]: readonly [string, string]): LabelledCommand[] {
  const { labels } = container;
  const command = splitWords(labels[`${prefix}.${current}`] ?? labels[`${prefix}.${older}`] ?? '');
  if (command.length === 0) return [];
  const user = labels[`${prefix}.${current}.user`] ?? '';
  return [{ container, command, ...(user === '' ? {} : { user }) }];
}
