/** What the benchmark needs to know about a program: which commands do which work. Nothing is run here. */

/** The folders that one program has to itself, fresh for every round. */
export interface Place {
  readonly repository: string;
  /** Its HOME and XDG folders: caches and state. Empty at first, so nobody begins with a warm cache of its own. */
  readonly home: string;
}

export interface Command {
  readonly argv: readonly [program: string, ...rest: string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Peer {
  readonly name: string;
  /** The settings that matter for a comparison, for the results. */
  readonly settings: string;
  readonly version: Command;
  init(place: Place): readonly Command[];
  /** Backs up the paths; `label` is different for every backup of a repository. */
  backup(place: Place, paths: readonly string[], label: string): readonly Command[];
  /** Restores the backup of that label, the newest, below `target`, each file with its whole path. */
  restore(place: Place, label: string, target: string): readonly Command[];
  /** Forgets all but the newest backup and frees the space. */
  prune(place: Place): readonly Command[];
  /** Commands, never timed, that must succeed on the repository after everything that writes. */
  judge(place: Place): readonly Command[];
}

export const password = 'benchmark only';

/** The environment every program gets: the same, and nothing of the user's own settings. */
export function cleanEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    HOME: home,
    XDG_CACHE_HOME: `${home}/cache`,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_STATE_HOME: `${home}/state`,
    XDG_DATA_HOME: `${home}/data`,
    TMPDIR: `${home}/tmp`,
  };
}
