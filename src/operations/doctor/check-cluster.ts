/** Whether a whole server can be copied file by file, with its write-ahead log: each setting, with the line that puts it right. Pure. */
import type { ClusterFacts, ClusterSlot } from '../../sources/postgres/replication/cluster-facts.ts';
import { failed, ok, sizeText, warning, type Check } from './check.ts';
import type { ClusterState } from './cluster-state.ts';

export interface ClusterQuestion {
  /** The component's name. */
  readonly component: string;
  /** The role that replicates. */
  readonly user: string;
  readonly facts: ClusterFacts;
  readonly state: ClusterState;
  /** The slot of this component's own receiver. */
  readonly slot?: string;
  /** Every transaction waits for the receiver of this name. */
  readonly synchronous?: string;
}

/** A base backup takes two for a moment, and a receiver one for good. */
const wantedSenders = 3;
const gigabyte = 1024 ** 3;
/** What an inactive slot may keep without being called forgotten. */
const smallRest = gigabyte;

const restart = 'In postgresql.conf, then restart the server:';
const reload = 'In postgresql.conf, then SELECT pg_reload_conf();';

export function checkCluster(question: ClusterQuestion): Check[] {
  const { facts } = question;
  return [
    checkWalLevel(question),
    checkSenders(question),
    checkSlotCount(question),
    ...facts.slots.flatMap((slot) => checkSlot(question, slot)),
    checkWalSize(question),
    checkKeepSize(question),
    ...checkSummaries(question),
    checkChecksums(question),
    checkSync(question),
    checkArchiving(question),
    ...checkSynchronous(question),
    ...facts.notices.map((notice, at) => checkConfiguration(question, notice, at)),
  ];
}

/** Files outside the data directory, as Debian has them: a server comes back without them, with its defaults. */
function checkConfiguration({ component, user, facts: { dataDirectory } }: ClusterQuestion, notice: string, at: number): Check {
  const grants =
    dataDirectory === undefined
      ? [`GRANT pg_monitor TO ${quoted(user)};`]
      : [`GRANT pg_read_server_files TO ${quoted(user)};`, `GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO ${quoted(user)};`];
  const name = `${component}: configuration${at === 0 ? '' : ` ${at + 1}`}`;
  return warning(name, notice.replace(/;.*|\.$/s, ''), ['As a superuser:', ...grants].join('\n'));
}

function checkWalLevel({ component, facts: { walLevel } }: ClusterQuestion): Check {
  const name = `${component}: wal_level`;
  return walLevel === 'minimal'
    ? failed(name, 'wal_level is minimal: the write-ahead log holds too little to recover from', `${restart}\nwal_level = replica`)
    : ok(name, `wal_level is ${walLevel}`);
}

function checkSenders({ component, facts: { maxWalSenders }, state: { senders } }: ClusterQuestion): Check {
  const name = `${component}: max_wal_senders`;
  const free = maxWalSenders - senders;
  const what = `${free} of ${maxWalSenders} WAL senders are free`;
  const remedy = `${restart}\nmax_wal_senders = ${Math.max(10, senders + 5)}`;
  if (free <= 0) return failed(name, what, remedy);
  return free < wantedSenders
    ? warning(name, `${what}, and a base backup beside a receiver takes ${wantedSenders}`, remedy)
    : ok(name, what);
}

function checkSlotCount({ component, slot, facts: { slots }, state: { maxReplicationSlots } }: ClusterQuestion): Check {
  const name = `${component}: max_replication_slots`;
  const free = maxReplicationSlots - slots.length;
  const what = `${free} of ${maxReplicationSlots} replication slots are free`;
  if (free > 0 || slots.some((each) => each.name === slot)) return ok(name, what);
  return failed(name, `${what}, and the receiver needs one`, `${restart}\nmax_replication_slots = ${Math.max(10, slots.length + 5)}`);
}

function checkSlot({ component, slot: own }: ClusterQuestion, { name: slot, active, retained = 0, lost }: ClusterSlot): Check[] {
  const name = `${component}: slot ${slot}`;
  const drop = `Where nobody needs it any more:\nSELECT pg_drop_replication_slot('${slot.replaceAll("'", "''")}');`;
  const isOwn = slot === own;
  if (lost) {
    const what = `the server has removed WAL that the slot ${slot} still needed`;
    return [
      isOwn ? failed(name, what, 'Begin anew, and then make a base backup: holdfast wal stream --restart') : warning(name, what, drop),
    ];
  }
  if (active) return isOwn ? [ok(name, 'the receiver is at work')] : [];
  const kept = `keeps ${sizeText(retained)} of WAL on the server`;
  if (isOwn) return [warning(name, `no receiver is at work on the slot ${slot}, which ${kept}`, 'Start it: holdfast wal stream')];
  return retained < smallRest
    ? []
    : [warning(name, `nobody reads from the slot ${slot}, which ${kept}: it grows until the disk is full`, drop)];
}

function checkWalSize({ component, user, facts: { walSize }, state: { maxWalBytes, keptWalBytes } }: ClusterQuestion): Check {
  const name = `${component}: pg_wal`;
  if (walSize === undefined)
    return warning(name, `"${user}" may not see how large pg_wal is`, `As a superuser:\nGRANT pg_monitor TO ${quoted(user)};`);
  const usual = 2 * maxWalBytes + keptWalBytes + gigabyte;
  if (walSize <= usual) return ok(name, `pg_wal holds ${sizeText(walSize)}`);
  return warning(
    name,
    `pg_wal holds ${sizeText(walSize)}, more than max_wal_size and wal_keep_size explain`,
    'Find out what keeps it, a slot or an archive_command that fails:\nSELECT slot_name, active, restart_lsn FROM pg_replication_slots;\nSELECT * FROM pg_stat_archiver;',
  );
}

function checkKeepSize({ component, state: { maxSlotWalKeepBytes } }: ClusterQuestion): Check {
  const name = `${component}: max_slot_wal_keep_size`;
  if (maxSlotWalKeepBytes >= 0) return ok(name, `a slot keeps at most ${sizeText(maxSlotWalKeepBytes)} of WAL`);
  const remedy = `Below the free space of the disk with pg_wal. ${reload}\nmax_slot_wal_keep_size = '10GB'`;
  return warning(name, 'a slot that nobody reads from keeps WAL until the disk of the server is full', remedy);
}

function checkSummaries({ component, facts: { major, summarizeWal } }: ClusterQuestion): Check[] {
  if (major < 17) return [];
  const name = `${component}: summarize_wal`;
  if (summarizeWal) return [ok(name, 'the server itself knows which pages have changed')];
  return [
    warning(
      name,
      'for an increment every page is read, since the server does not note which have changed',
      `${reload}\nsummarize_wal = on`,
    ),
  ];
}

function checkChecksums({ component, facts: { checksums, dataDirectory } }: ClusterQuestion): Check {
  const name = `${component}: data checksums`;
  if (checksums) return ok(name, 'pages carry checksums');
  const remedy = `With the server stopped, as its user:\npg_checksums --enable -D ${dataDirectory ?? 'DATA_DIRECTORY'}`;
  return warning(name, 'pages carry no checksums: what a disk damages is copied unseen', remedy);
}

function checkSync({ component, state: { isSynced } }: ClusterQuestion): Check {
  const name = `${component}: fsync`;
  if (isSynced) return ok(name, 'fsync is on');
  return warning(name, 'fsync is off: a power cut can destroy the whole server', `${reload}\nfsync = on`);
}

function checkArchiving({ component, facts: { archiveMode }, state: { archiveFailures, archiveCommand } }: ClusterQuestion): Check {
  const name = `${component}: archive_mode`;
  if (archiveMode === 'off') return ok(name, 'archive_mode is off, and not needed: holdfast streams the WAL');
  if (archiveFailures === 0) return ok(name, `archive_mode is ${archiveMode}, and the last segment was archived`);
  return warning(
    name,
    `the archive_command of the server fails (${archiveFailures} times until now), and pg_wal grows meanwhile`,
    `Put the command right (${archiveCommand === '' ? 'it is empty' : archiveCommand}), or, where holdfast streams the WAL, do without. ${restart}\narchive_mode = off`,
  );
}

function checkSynchronous({ component, synchronous, state: { synchronousStandbys } }: ClusterQuestion): Check[] {
  if (synchronous === undefined) return [];
  const name = `${component}: synchronous_standby_names`;
  if (new RegExp(`(^|[\\s,("])(${RegExp.escape(synchronous)}|\\*)($|[\\s,)"])`).test(synchronousStandbys))
    return [ok(name, `transactions wait for ${synchronous}`)];
  return [
    warning(
      name,
      `transactions do not wait for ${synchronous}: the last ones before a loss are lost`,
      `${reload}\nsynchronous_standby_names = '${synchronous}'`,
    ),
  ];
}

function quoted(user: string): string {
  return `"${user.replaceAll('"', '""')}"`;
}
