/** Every command by its name, in the order of `--help`. A command's file is loaded when it is called, or its own help is asked for. */
import type { CommandDescription } from './command-description.ts';

export interface ListedCommand {
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<CommandDescription>;
}

export const commandList: Readonly<Record<string, ListedCommand>> = {
  'init': { summary: 'Write a configuration for what is here', load: async () => (await import('./commands/init.ts')).initCommand },
  'doctor': {
    summary: 'Find what would make a backup or a restore fail',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
  'backup': { summary: 'Make a recovery point', load: async () => (await import('./commands/backup.ts')).backupCommand },
  'list': { summary: 'List recovery points', load: async () => (await import('./commands/list.ts')).listCommand },
  'show': { summary: 'Show what one point consists of', load: async () => (await import('./commands/show.ts')).showCommand },
  'ls': { summary: 'List the files of a point', load: async () => (await import('./commands/ls.ts')).lsCommand },
  'find': { summary: 'Find files in all points', load: async () => (await import('./commands/find.ts')).findCommand },
  'diff': { summary: 'Compare two points', load: async () => (await import('./commands/diff.ts')).diffCommand },
  'cat': { summary: 'Print one file of a point', load: async () => (await import('./commands/cat.ts')).catCommand },
  'restore': { summary: 'Put files or a database back', load: async () => (await import('./commands/restore.ts')).restoreCommand },
  'recover': { summary: 'Bring the whole application back', load: async () => (await import('./commands/recover.ts')).recoverCommand },
  'drill': { summary: 'Restore for real, compare, measure, drop', load: async () => (await import('./commands/drill.ts')).drillCommand },
  'check': { summary: 'Check that a repository is whole and sound', load: async () => (await import('./commands/check.ts')).checkCommand },
  'prune': { summary: 'Apply retention and free space', load: async () => (await import('./commands/prune.ts')).pruneCommand },
  'forget': { summary: 'Remove points', load: async () => (await import('./commands/forget.ts')).forgetCommand },
  'hold add': { summary: 'Keep a point whatever the rules say', load: async () => (await import('./commands/hold.ts')).holdAddCommand },
  'hold list': { summary: 'List the points that are held', load: async () => (await import('./commands/hold.ts')).holdListCommand },
  'hold release': { summary: 'Let a held point go', load: async () => (await import('./commands/hold.ts')).holdReleaseCommand },
  'copy': { summary: 'Copy points from another repository', load: async () => (await import('./commands/copy.ts')).copyCommand },
  'archive': {
    summary: 'Write a point as plain files that need no holdfast',
    load: async () => (await import('./commands/archive.ts')).archiveCommand,
  },
  'import': { summary: 'Take old backups in', load: async () => (await import('./commands/import.ts')).importCommand },
  'key list': { summary: 'List the keys of a repository', load: async () => (await import('./commands/key.ts')).keyListCommand },
  'key add': { summary: 'Add a password', load: async () => (await import('./commands/key.ts')).keyAddCommand },
  'key remove': { summary: 'Remove a key', load: async () => (await import('./commands/key.ts')).keyRemoveCommand },
  'key passwd': { summary: 'Change the password in use', load: async () => (await import('./commands/key.ts')).keyPasswdCommand },
  'key escrow': { summary: 'Seal a password for the safe', load: async () => (await import('./commands/key.ts')).keyEscrowCommand },
  'repo init': { summary: 'Create a repository', load: async () => (await import('./commands/repo.ts')).repoInitCommand },
  'repo info': { summary: 'Show what a repository consists of', load: async () => (await import('./commands/repo.ts')).repoInfoCommand },
  'repo repair-index': { summary: 'Make the index anew', load: async () => (await import('./commands/repo.ts')).repoRepairIndexCommand },
  'config check': {
    summary: 'Check the configuration file',
    load: async () => (await import('./commands/config.ts')).configCheckCommand,
  },
  'config show': {
    summary: 'Show the configuration as it is understood',
    load: async () => (await import('./commands/config.ts')).configShowCommand,
  },
  'config schema': {
    summary: 'Print the JSON Schema of the configuration file, for editors',
    load: async () => (await import('./commands/config.ts')).configSchemaCommand,
  },
  'wal stream': { summary: "Receive a server's write-ahead log", load: async () => (await import('./commands/wal.ts')).walStreamCommand },
  'wal status': { summary: 'Show how far the stored log goes', load: async () => (await import('./commands/wal.ts')).walStatusCommand },
  'wal push': {
    summary: 'Store one file of the log, for archive_command',
    load: async () => (await import('./commands/wal.ts')).walPushCommand,
  },
  'wal fetch': {
    summary: 'Bring one file of the log back, for restore_command',
    load: async () => (await import('./commands/wal.ts')).walFetchCommand,
  },
  'wal drop-slot': { summary: 'Remove the replication slot', load: async () => (await import('./commands/wal.ts')).walDropSlotCommand },
  'notify list': {
    summary: 'List who is told what, and whether it reaches them',
    load: async () => (await import('./commands/notify.ts')).notifyListCommand,
  },
  'notify test': { summary: 'Send a test to who is told', load: async () => (await import('./commands/notify.ts')).notifyTestCommand },
  'serve': {
    summary: 'Run what is due, and answer by HTTP',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  'serve rest': {
    summary: 'Offer repositories by the REST protocol',
    load: async () => (await import('./commands/serve.ts')).serveRestCommand,
  },
  'status': { summary: 'Show how the application stands', load: async () => (await import('./commands/status.ts')).statusCommand },
  'metrics': { summary: 'Print that for Prometheus', load: async () => (await import('./commands/status.ts')).metricsCommand },
  'runbook': {
    summary: 'Write the recovery plan of this application',
    load: async () => (await import('./commands/runbook.ts')).runbookCommand,
  },
  'history': { summary: 'List what ran on this host', load: async () => (await import('./commands/history.ts')).historyCommand },
  'audit': { summary: 'List who did what in a repository', load: async () => (await import('./commands/audit.ts')).auditCommand },
  'audit verify': {
    summary: 'Find what was changed in the audit trail',
    load: async () => (await import('./commands/audit.ts')).auditVerifyCommand,
  },
  'schedule': {
    summary: 'List what is done by itself, and when next',
    load: async () => (await import('./commands/schedule.ts')).scheduleCommand,
  },
  'schedule print': {
    summary: 'Print it for cron, systemd, Windows, Compose or Kubernetes',
    load: async () => (await import('./commands/schedule.ts')).schedulePrintCommand,
  },
  'schedule install': {
    summary: 'Put it in the hands of cron or systemd',
    load: async () => (await import('./commands/schedule.ts')).scheduleInstallCommand,
  },
  'schedule remove': {
    summary: 'Take it out of their hands',
    load: async () => (await import('./commands/schedule.ts')).scheduleRemoveCommand,
  },
  'unlock': { summary: 'Remove locks whose holder is gone', load: async () => (await import('./commands/unlock.ts')).unlockCommand },
  'completion': {
    summary: 'Print a completion script for a shell',
    load: async () => (await import('./commands/completion.ts')).completionCommand,
  },
  'version': { summary: 'Print the version', load: async () => (await import('./commands/version.ts')).versionCommand },
};

/** What the two-word commands have in common, for `--help`. */
export const commandGroups: Readonly<Record<string, string>> = {
  audit: 'List and verify who did what in a repository',
  config: 'Check and show the configuration file',
  hold: 'Keep points whatever the rules say',
  key: 'Manage the passwords of a repository',
  notify: 'Tell people what happens',
  schedule: 'List what is done by itself, or have another scheduler do it',
  repo: 'Create, describe and repair a repository',
  serve: 'Run what is due; offer what lies on this machine to others',
  wal: "Keep PostgreSQL's write-ahead log, for recovery to any moment",
};

/** All descriptions: for the documentation and shell completion. */
export function loadCommands(): Promise<CommandDescription[]> {
  return Promise.all(Object.values(commandList).map(({ load }) => load()));
}
