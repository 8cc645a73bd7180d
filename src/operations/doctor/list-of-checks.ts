/** Every check that there is: what `holdfast doctor --list` prints, and the page about troubles shows. */
import type { LookGroup } from './look.ts';

export interface KnownCheck {
  /** As in `Check`; a word in capitals stands for a name. */
  readonly name: string;
  readonly group: LookGroup;
  /** What is looked at: a clause without its full stop. */
  readonly looks: string;
}

const of = (group: LookGroup, checks: Readonly<Record<string, string>>): KnownCheck[] =>
  Object.entries(checks).map(([name, looks]) => ({ name, group, looks }));

export const knownChecks: readonly KnownCheck[] = [
  ...of('host', {
    'host: node': 'the version of Node.js that runs this',
    'host: restic': 'whether restic is there too; it is never needed',
    'host: PROGRAM': 'programs that the configuration needs: git for code, gpg for archives encrypted by it',
    'host: state folder': 'it can be written, by its owner alone, and has room',
    'host: temporary folder': 'it can be written, and has room for packs and archives',
    'host: scratch folder': 'it could be written, and has room for drills and restores to a moment',
    'host: history': 'what this host remembers of its runs can be read',
    'host: time zone': 'TZ names a time zone that there is',
    'host: clock': 'it says what database servers, stores, disks and the Docker engine say: 30 seconds are told, 5 minutes are a failure',
  }),
  ...of('configuration', {
    'configuration: mode': 'not everybody may read holdfast.yaml, where secrets stand in it',
    'configuration: secret NAME': 'each file and each variable that a secret is read from is there, and not everybody may read the file',
  }),
  ...of('schedule', {
    'schedule: backups': 'some component is backed up by itself',
    'schedule: runs': 'the daemon, the crontab of this user or timers of systemd have the schedule, and one of them alone',
    'schedule: cron': 'the lines in the crontab are those of the configuration now, and cron is at work',
    'schedule: systemd': 'the timers are those of the configuration now, and active',
    'schedule: JOB': 'each job ran when it was due last, and ended well',
  }),
  ...of('notify', {
    'notify: routes': 'somebody is told when something fails',
    'notifier NAME: reachable': 'its server answers, its certificate is trusted, and a mail server takes the login; nothing is sent',
    'notifier NAME: certificate': 'it holds for 14 days yet',
    'notifier NAME: delivery': 'the last message reached it',
  }),
  ...of('repositories', {
    'repository NAME: open': 'it is there, and opens with its password',
    'repository NAME: read': 'its points can be listed',
    'repository NAME: place': 'the place is there where there is no repository yet',
    'repository NAME: keys':
      'how many keys open it, whether they can be read, and whether the recovery kit is there where there is one only',
    'repository NAME: owner': 'a folder belongs to one user, who runs this',
    'repository NAME: write': 'a lock can be written and removed, and how long that takes',
    'repository NAME: locks': 'whose locks lie there, how old, and whether their processes live',
    'repository NAME: space': 'room on its disk, also for more files, and until when it lasts',
    'repository NAME: room for drills': 'where there are drills: the scratch folder has room for the newest point',
    'repository NAME: future': 'no point is from the future',
    'repository NAME: certificate': 'that of its server holds for 14 days yet',
    'repository NAME: put': 'in a store: an object can be stored, and how long that takes',
    'repository NAME: get': 'it comes back as it was',
    'repository NAME: range': 'a part of it comes exactly',
    'repository NAME: list': 'a listing shows it',
    'repository NAME: delete': 'it can be deleted, or that is refused on purpose',
    'repository NAME: lock': 'where objects are locked: the place does so',
  }),
  ...of('docker', {
    'docker: engine': 'it answers',
    'docker: service NAME': 'a service that is read or stopped has a container, which runs and is healthy',
    'docker: container NAME': 'the same of a container',
    'docker: volume NAME': 'it is there',
  }),
  ...of('components', {
    'COMPONENT: there': 'files, redis, logs, code, volumes: the source is there and answers',
    'COMPONENT: readable': 'files: whoever runs this may read them (5000 of them are looked at)',
    'COMPONENT: login': 'a database server answers, and the login is taken',
    'COMPONENT: programs': 'pg_dump and psql are there, and not older than the server',
    'COMPONENT: rights': 'all tables and sequences can be read, and row security hides none',
    'COMPONENT: space': 'room for a dump that goes through a temporary folder',
    'COMPONENT: server programs': 'base backups: a server of that version is installed, to bring it back to a moment',
    'COMPONENT: role': 'base backups: the role may replicate',
    'COMPONENT: replication': 'a connection for replication can be made',
    'COMPONENT: wal_level': 'enough is written to recover from',
    'COMPONENT: max_wal_senders': 'some are free',
    'COMPONENT: max_replication_slots': 'one is free',
    'COMPONENT: slot NAME': 'its receiver is at work; no slot is forgotten or lost',
    'COMPONENT: pg_wal': 'it is not larger than settings explain',
    'COMPONENT: max_slot_wal_keep_size': 'a slot cannot fill the disk',
    'COMPONENT: summarize_wal': 'the server itself knows which pages have changed',
    'COMPONENT: data checksums': 'damage is noticed',
    'COMPONENT: fsync': 'it is on',
    'COMPONENT: archive_mode': 'no archive_command fails',
    'COMPONENT: synchronous_standby_names': 'transactions wait for the receiver, where that was asked for',
    'COMPONENT: configuration': 'files outside the data directory can be read',
  }),
  { name: 'ANYTHING: look', group: 'host', looks: 'it was looked at within --within (30 seconds), and nothing fell over' },
];
