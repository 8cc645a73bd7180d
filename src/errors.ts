/**
 * The error catalogue: every failure holdfast reports is one of these. Each entry carries its exit status, the sentence
 * ("Cannot X: Y is Z.") and the hint ("Do W."). `docs/errors.md` is generated from this file; a test fails when it is stale.
 */

/** Exit statuses that scripts may rely on. Anything but 0 is a failure to a script. */
export const exitStatus = {
  done: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  disproved: 4,
  noRepository: 10,
  locked: 11,
  wrongPassword: 12,
  /** Of `wal fetch`: PostgreSQL takes anything up to 125 for "there is no such file", and ends the recovery there. */
  unavailable: 126,
  interrupted: 130,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** The values an error's sentence is made of. Never put a secret in one. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

interface CatalogueEntry {
  readonly exit: ExitStatus;
  /** "Cannot X: Y is Z." with `{name}` where a detail goes. */
  readonly message: string;
  /** "Do W." with `{name}` where a detail goes. */
  readonly hint: string;
}

/* One entry a failure, in the order people meet them. Keep the grammar: "Cannot X: Y is Z." and a hint that is a command or an action. */
// oxfmt-ignore
export const catalogue = {
  'usage': { exit: 2, message: 'Cannot run this command: {reason}.', hint: 'See {help}.' },
  'interrupted': { exit: 130, message: 'Cannot finish: the run was interrupted.', hint: 'Run the same command again; what was saved is kept.' },
  'output-failed': { exit: 1, message: 'Cannot write the output: {reason}.', hint: 'Check the disk that stdout goes to, then run the command again.' },
  'not-confirmed': { exit: 1, message: 'Cannot go on: it was not confirmed.', hint: 'Nothing was done. Answer "y", or give --yes.' },
  'repository-missing': { exit: 10, message: 'Cannot open {location}: there is no repository there.', hint: 'Check the address, or create one with: holdfast repo init -r {location}' },
  'repository-exists': { exit: 1, message: 'Cannot create a repository in {location}: there is one already.', hint: 'Use it as it is, or choose another address.' },
  'repository-unsupported': { exit: 1, message: 'Cannot open {location}: its format is version {version}, and holdfast reads versions 1 and 2.', hint: 'Use a newer holdfast.' },
  'repository-none-named': { exit: 2, message: 'Cannot find a repository: none was named.', hint: 'Give -r URL, or set HOLDFAST_REPOSITORY.' },
  'password-missing': { exit: 12, message: 'Cannot open {location}: no password was given.', hint: 'Set HOLDFAST_PASSWORD, HOLDFAST_PASSWORD_FILE or HOLDFAST_PASSWORD_COMMAND.' },
  'password-missing-from': { exit: 12, message: 'Cannot open {location}, which is copied from: no password was given.', hint: 'Set HOLDFAST_FROM_PASSWORD, HOLDFAST_FROM_PASSWORD_FILE or HOLDFAST_FROM_PASSWORD_COMMAND.' },
  'password-missing-new': { exit: 12, message: 'Cannot add a key to {location}: no new password was given.', hint: 'Set HOLDFAST_NEW_PASSWORD, HOLDFAST_NEW_PASSWORD_FILE or HOLDFAST_NEW_PASSWORD_COMMAND.' },
  'password-wrong': { exit: 12, message: 'Cannot open {location}: no key there opens with this password.', hint: 'Check the password, and that it belongs to this repository.' },
  'password-source': { exit: 2, message: 'Cannot read the password: {reason}.', hint: 'Check HOLDFAST_PASSWORD_FILE or HOLDFAST_PASSWORD_COMMAND.' },
  'locked': { exit: 11, message: 'Cannot lock {location}: {holder} holds a lock of {age}.', hint: 'Wait for it to end. If that process is gone: holdfast unlock -r {location}' },
  'lock-lost': { exit: 11, message: 'Cannot go on with {location}: the lock of this run was removed or could not be refreshed for {age}.', hint: 'Check that the storage answers and that nobody ran unlock, then run the command again.' },
  'lock-unreadable': { exit: 11, message: 'Cannot lock {location}: the lock file {id} is unreadable ({reason}).', hint: 'Make sure that no other run uses the repository, then: holdfast unlock --remove-all -r {location}' },
  'lock-unwritable': { exit: 1, message: 'Cannot lock {location}: a lock cannot be stored there ({reason}).', hint: 'Put that right, or read without a lock, where nothing else writes meanwhile: --no-lock' },
  'damaged': { exit: 1, message: 'Cannot trust {object}: {reason}.', hint: 'Run: holdfast check --read-data' },
  'blob-missing': { exit: 1, message: 'Cannot find {type} blob {id}: no index names it.', hint: 'Run: holdfast repo repair-index, then holdfast check --read-data' },
  'object-missing': { exit: 1, message: 'Cannot find {object} in {location}: {reason}.', hint: 'Check the id; at least four of its digits are needed.' },
  'key-needed': { exit: 1, message: 'Cannot remove key {id}: {reason}.', hint: 'Add another key first (holdfast key add), and open the repository with its password.' },
  'point-needed': { exit: 1, message: 'Cannot forget point {id}: it is the last one of the component "{component}" of host {host}.', hint: 'Make another backup first, or give --force.' },
  'point-needed-by': { exit: 1, message: 'Cannot forget point {id}: it is needed to restore {by}.', hint: 'Forget those too, in the same command, or leave both.' },
  'prune-refused': { exit: 1, message: 'Cannot prune {location}: {reason}.', hint: 'Nothing was deleted. Run: holdfast check' },
  'prune-outdated': { exit: 1, message: 'Cannot prune {location}: the repository is not as it was when this was planned ({reason}).', hint: 'Run the command again.' },
  'snapshot-missing': { exit: 1, message: 'Cannot find the point "{name}": {reason}.', hint: 'See what there is with: holdfast list' },
  'path-missing': { exit: 1, message: 'Cannot find {path} in the point {point}: it is not there.', hint: 'See what there is with: holdfast ls {point}' },
  'path-not-file': { exit: 1, message: 'Cannot print {path}: it is not a file.', hint: 'See what is in it with: holdfast ls POINT:{path}' },
  'source-unreadable': { exit: 1, message: 'Cannot back up {path}: {reason}.', hint: 'Check the path and the permissions.' },
  'nothing-to-back-up': { exit: 2, message: 'Cannot back up: nothing was named.', hint: 'Give --files PATH or --postgres URL.' },
  'postgres-url': { exit: 2, message: 'Cannot use this PostgreSQL address: {reason}.', hint: 'Use postgresql://USER@HOST:PORT/DATABASE, with the password in PGPASSWORD or ~/.pgpass.' },
  'postgres-unreachable': { exit: 1, message: 'Cannot reach {title}: {reason}.', hint: 'Check that the server runs and that the address is right: {check}' },
  'postgres-login': { exit: 1, message: 'Cannot log in to {title} as "{user}": {reason}.', hint: 'Check the user and the password (in the URL or the configuration, PGPASSWORD, PGPASSFILE or ~/.pgpass) and the server\'s pg_hba.conf.' },
  'postgres-database-missing': { exit: 1, message: 'Cannot open {title}: there is no such database on that server.', hint: 'See what there is with: {list}' },
  'postgres-permission': { exit: 1, message: 'Cannot work on {title} as "{user}": {reason}.', hint: 'Let the user read everything: GRANT pg_read_all_data TO "{user}"; (with row security, also ALTER ROLE "{user}" BYPASSRLS;).' },
  'postgres-restore-permission': { exit: 1, message: 'Cannot restore on {title} as "{user}": {reason}.', hint: 'Restore as the owner of the database or a superuser (--postgres postgresql://USER@HOST/DATABASE); a new database needs the right to create one: ALTER ROLE "{user}" CREATEDB;' },
  'postgres-tools-missing': { exit: 1, message: 'Cannot find {tool}: {places} have none.', hint: '{remedy}.' },
  'postgres-tools-old': { exit: 1, message: 'Cannot use {tool} {toolVersion} with {title}: that is version {serverVersion}, and an older tool is refused.', hint: '{remedy}.' },
  'postgres-failed': { exit: 1, message: 'Cannot work on {title}: {reason}.', hint: 'Put right what the server reports, then run the same command again.' },
  'postgres-dump-failed': { exit: 1, message: 'Cannot dump {title}: {reason}.', hint: 'Nothing was saved. Put right what the server reports, then run the same command again.' },
  'postgres-dump-cut': { exit: 1, message: 'Cannot trust the dump of {title}: {reason}.', hint: 'Nothing was saved. Check the server\'s log and free memory, then run the same command again.' },
  'postgres-capture-missing': { exit: 1, message: 'Cannot restore a database: {reason}.', hint: 'Choose a point that holds a database; see what there is with: holdfast ls' },
  'postgres-restore-refused': { exit: 1, message: 'Cannot restore into database "{database}": {reason}.', hint: '{remedy}.' },
  'postgres-role-missing': { exit: 1, message: 'Cannot restore into database "{database}": role "{role}" is not on that server.', hint: 'Give --roles to create the saved roles that are missing, or --no-owner to let everything belong to the user who restores.' },
  'postgres-restore-full': { exit: 1, message: 'Cannot restore into database "{database}": the server\'s disk is full.', hint: 'Free space on the server, then run the same command again; the database that was there before is unchanged.' },
  'postgres-restore-failed': { exit: 1, message: 'Cannot restore into database "{database}": {reason}.', hint: 'The database that was there before is unchanged. Put right what the server reports, then run the same command again.' },
  'postgres-restore-mismatch': { exit: 4, message: 'Cannot vouch for the restored database "{database}": {reason}.', hint: 'Compare the tables named with the live database; if nothing else wrote to the restored one, restore an older point.' },
  'hostile': { exit: 1, message: 'Cannot restore {path}: {reason}.', hint: 'Do not trust this repository: somebody has tampered with it, or the program that wrote it is broken.' },
  'target-unusable': { exit: 1, message: 'Cannot restore to {path}: {reason}.', hint: 'Choose another --target.' },
  'target-full': { exit: 1, message: 'Cannot restore to {path}: {reason}.', hint: 'Free space there, then run the same command again; files that are complete are kept.' },
  'restore-damaged': { exit: 1, message: 'Cannot restore {paths}: {reason}.', hint: 'Everything else was restored. Try an older point, and run: holdfast check --read-data' },
  'storage-missing': { exit: 1, message: 'Cannot read {key} in {location}: it is not there.', hint: 'Run: holdfast check' },
  'storage-exists': { exit: 1, message: 'Cannot write {key} in {location}: it is there already.', hint: 'Run the command again.' },
  'storage-short': { exit: 1, message: 'Cannot read {key} in {location}: {got} bytes came where {wanted} were asked for.', hint: 'Run: holdfast check --read-data' },
  'storage-quota': { exit: 1, message: 'Cannot write to {location}: the quota of the bucket, or of the user, is used up.', hint: 'Free space (holdfast prune) or have the quota raised, then run the command again; what was saved is kept.' },
  'storage-full': { exit: 1, message: 'Cannot write to {location}: the disk is full.', hint: 'Free space (holdfast prune), then run the command again; what was saved is kept.' },
  'storage-denied': { exit: 1, message: 'Cannot {action} {key} in {location}: permission is denied.', hint: 'Check the owner and the mode of that folder, or the rights of the key used.' },
  'storage-failed': { exit: 1, message: 'Cannot {action} {key} in {location}: {reason}.', hint: 'Check that the storage answers, then run the command again.' },
  'storage-refused': { exit: 1, message: 'Cannot {action} {key} in {location}: {reason}.', hint: '{help}.' },
  'storage-setup': { exit: 1, message: 'Cannot use {location}: {reason}.', hint: '{help}.' },
  'storage-locked': { exit: 1, message: 'Cannot delete {key} in {location}: it is locked until {until}.', hint: 'Wait until then; the next holdfast prune deletes it.' },
  'storage-key': { exit: 1, message: 'Cannot use the key "{key}" in {location}: it is not of the allowed form.', hint: 'Run: holdfast check' },
  'storage-url': { exit: 2, message: 'Cannot use "{url}" as a repository: {reason}.', hint: 'Use a path such as /backups/app, or an address such as s3://bucket/prefix or sftp://user@host/path.' },
  'machine-unreliable': { exit: 1, message: 'Cannot trust this machine: blob {id} was not the same after it was compressed, encrypted and opened again.', hint: 'Test the memory and the processor of this machine. Nothing wrong was stored.' },
  'internal': { exit: 1, message: 'Cannot go on: {reason}.', hint: 'This is a defect of holdfast: please report it with the command you ran.' },
  /* application */
  'component-unknown': { exit: 2, message: 'Cannot use the component "{name}": {file} has {there}.', hint: 'Name one of those, or add it to the file.' },
  'command-failed': { exit: 1, message: 'Cannot finish {what}: {reason}.', hint: 'Run the command by hand in {place}, put right what it reports, then repeat what you did here.' },
  'nobody-to-ask': { exit: 2, message: 'Cannot ask whether to go on: there is no terminal.', hint: 'Nothing was done. Read the plan above, then give --yes.' },
  'restore-not-possible': { exit: 2, message: 'Cannot put the component "{component}" back: {reason}.', hint: '{remedy}.' },
  'safety-copy-failed': { exit: 1, message: 'Cannot take a copy of what would be overwritten in "{component}": {reason}.', hint: 'Nothing was restored. Put that right, or give --no-safety-copy to go on without.' },
  'recovery-point-missing': { exit: 1, message: 'Cannot recover from {location}: {reason}.', hint: 'Make a whole point with: holdfast backup -c holdfast.yaml; parts of any point come back with: holdfast restore' },
  'recovery-stopped': { exit: 1, message: 'Cannot recover "{application}": the step "{step}" failed ({reason}).', hint: '{remedy} Then go on with: {command}' },
  'recovery-resume': { exit: 2, message: 'Cannot resume: {reason}.', hint: 'Leave out --resume to begin anew.' },
  'not-healthy': { exit: 1, message: 'Cannot vouch for {what}: within {limit} it did not become healthy ({reason}).', hint: 'Look at what the service logs.' },
  'smoke-failed': { exit: 4, message: 'Cannot vouch for the application: the smoke test "{test}" failed ({reason}).', hint: 'Compare with an application that works, and try an older point.' },
  /* docker */
  'docker-address': { exit: 2, message: 'Cannot use the Docker engine at {engine}: {reason}.', hint: 'Set DOCKER_HOST to unix:///run/docker.sock or tcp://HOST:PORT; for TLS set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH.' },
  'docker-unreachable': { exit: 1, message: 'Cannot reach the Docker engine at {engine}: {reason}.', hint: 'Check that it runs and that DOCKER_HOST is right: docker version' },
  'docker-permission': { exit: 1, message: 'Cannot reach the Docker engine at {engine}: permission is denied.', hint: 'Work as root, or as a user in the group "docker".' },
  'docker-failed': { exit: 1, message: 'Cannot {action}: {reason}.', hint: 'Put right what the Docker engine reports, then run the same command again.' },
  'docker-service-missing': { exit: 1, message: 'Cannot find the service "{service}" in {where}: {there}.', hint: 'Correct the name, or create its container with: docker compose up -d {service}' },
  'docker-service-ambiguous': { exit: 2, message: 'Cannot choose a service "{service}": the Compose projects {projects} each have one.', hint: 'Name the project in holdfast.yaml: give a project under "compose"' },
  'docker-container-missing': { exit: 1, message: 'Cannot find the container "{container}": {there}.', hint: 'See what there is with: docker ps -a' },
  'docker-container-stopped': { exit: 1, message: 'Cannot run a command in the container "{container}": it is {state}.', hint: 'Start it with: docker start {container}' },
  'docker-exec-failed': { exit: 1, message: 'Cannot run {command} in the container "{container}": {reason}.', hint: 'See what happened to it with: docker logs --tail 50 {container}' },
  'docker-not-up': { exit: 1, message: 'Cannot go on with the container "{container}": within {limit} it did not become {wanted} (it is {state}).', hint: 'See why with: docker logs --tail 50 {container}' },
  'docker-path-missing': { exit: 1, message: 'Cannot find {path} in the container "{container}": it is not there.', hint: 'See what is there with: docker exec {container} ls {path}' },
  'docker-logs-unreadable': { exit: 1, message: 'Cannot read the log of the container "{container}": {reason}.', hint: 'Use the log driver json-file, local or journald for it.' },
  'docker-stop-refused': { exit: 1, message: 'Cannot stop the container "{container}" for a while: it was started with --rm, so that stopping it would remove it.', hint: 'Start it without that option, or leave it out.' },
  'docker-start-again': { exit: 1, message: 'Cannot start {containers} again, stopped by holdfast before: {reason}.', hint: 'Start them by hand: docker start {containers}' },
  'docker-volume-missing': { exit: 1, message: 'Cannot find the volume "{volume}": {there}.', hint: 'See what there is with: docker volume ls' },
  'docker-volume-unreadable': { exit: 1, message: 'Cannot read the volume "{volume}": {reason}.', hint: 'Work as root on the host of the Docker engine, where the volume lies.' },
  /* postgres */
  'postgres-room': { exit: 1, message: 'Cannot use the folder for temporary files of {title}: {reason}.', hint: 'Free space there or set TMPDIR, or use the custom format with one job, which needs none.' },
  /* redis */
  'redis-url': { exit: 2, message: 'Cannot use this Redis address: {reason}.', hint: 'Use redis://USER@HOST:PORT or rediss://USER@HOST:PORT, with the password in REDISCLI_AUTH.' },
  'redis-unreachable': { exit: 1, message: 'Cannot reach {title}: {reason}.', hint: 'Check that the server runs and that the address is right.' },
  'redis-login': { exit: 1, message: 'Cannot log in to {title}: {reason}.', hint: 'Check the user and the password (in the configuration, the URL or REDISCLI_AUTH).' },
  'redis-permission': { exit: 1, message: 'Cannot read {title}: {reason}.', hint: 'Let the user read everything: ACL SETUSER {user} +psync +sync +replconf +info +config|get +bgsave +lastsave' },
  'redis-refused': { exit: 1, message: 'Cannot read {title}: the server does not hand out its data ({reason}).', hint: 'Managed servers often refuse replication: use their own backup, or run the server where its files can be reached.' },
  'redis-save-failed': { exit: 1, message: 'Cannot back up {title}: the server could not save ({reason}).', hint: 'See the server\'s log; free disk space and memory there, then run the same command again.' },
  'redis-cut': { exit: 1, message: 'Cannot trust the data of {title}: {reason}.', hint: 'Nothing was saved. Check that the server still runs, then run the same command again.' },
  'redis-capture-missing': { exit: 1, message: 'Cannot restore Redis: {reason}.', hint: 'Choose a point that holds one; see what there is with: holdfast ls' },
  'redis-running': { exit: 1, message: 'Cannot restore {title}: the server is running and would overwrite what is restored.', hint: 'Stop it, then run the same command again.' },
  'redis-restore-folder': { exit: 2, message: 'Cannot restore Redis: {reason}.', hint: 'Name the server\'s data folder (its setting "dir").' },
  /* config */
  'config-files-missing': { exit: 1, message: 'Cannot back up {component}: none of its files is there ({files}).', hint: 'Correct the names in holdfast.yaml.' },
  'config-capture-missing': { exit: 1, message: 'Cannot restore configuration: {reason}.', hint: 'Choose a point that holds some; see what there is with: holdfast ls' },
  'config-template-invalid': { exit: 1, message: 'Cannot fill {path}: {reason}.', hint: 'Take the template as it was restored, and try again.' },
  /* code */
  'git-missing': { exit: 1, message: 'Cannot run git: {reason}.', hint: 'Install it with: apt-get install git' },
  'git-not-a-work-tree': { exit: 1, message: 'Cannot back up the code in {path}: {reason}.', hint: 'Name a folder inside a git work tree that has a commit.' },
  'git-failed': { exit: 1, message: 'Cannot {action}: {reason}.', hint: 'Put right what git reports, then run the same command again.' },
  'git-restore-refused': { exit: 1, message: 'Cannot restore code into {path}: {reason}.', hint: 'Commit or move what is there, or choose an empty folder.' },
  'code-capture-missing': { exit: 1, message: 'Cannot restore code: {reason}.', hint: 'Choose a point that holds some; see what there is with: holdfast ls' },
  /* configuration */
  'configuration': { exit: 2, message: 'Cannot use the configuration: {problems}.', hint: 'Put that right in the file; what is allowed: holdfast config schema, or docs/configuration.md.' },
  'init-exists': { exit: 1, message: 'Cannot write {file}: it is there already.', hint: 'See what would be written with --dry-run; --force writes it anew.' },
  'init-unwritable': { exit: 1, message: 'Cannot write {file}: {reason}.', hint: 'Check the folder and its permissions, then run the same command again.' },
  'configuration-missing': { exit: 2, message: 'Cannot read the configuration {file}: {reason}.', hint: 'Give -c FILE, or write one with: holdfast init' },
  'secret-unreadable': { exit: 2, message: 'Cannot read a secret: {reason}.', hint: 'Check what the configuration names: holdfast config show' },
  /* recovery */
  'recovery-running': { exit: 11, message: 'Cannot recover "{application}": a recovery of "{other}" runs on this host (process {pid}, since {since}).', hint: 'Wait until it has ended; if it was stopped halfway, go on with: holdfast recover --resume' },
  'service-not-up': { exit: 1, message: 'Cannot start the service "{service}": its container {container} {reason}; {said}.', hint: 'Put right what it logs; see more with: docker logs --tail 50 {container}' },
  'values-missing': { exit: 1, message: 'Cannot go on: the restored configuration "{component}" has no values for {names}.', hint: 'Templates hold no secrets. Give each value as a variable of the environment, {first}=…, or write it into the file below {folder} where it is marked.' },
  /* wal */
  'wal-slot-active': { exit: 1, message: 'Cannot stream WAL from the slot "{slot}": somebody else streams from it ({reason}).', hint: 'One receiver a slot: end the other one, or give another --slot.' },
  'wal-slot-lost': { exit: 1, message: 'Cannot go on with the slot "{slot}": the server has removed WAL that it still needed.', hint: 'Raise max_slot_wal_keep_size on the server. To begin anew with a gap: holdfast wal stream --restart; then make a base backup.' },
  'wal-removed': { exit: 1, message: 'Cannot stream WAL from {position}: the server has removed it ({reason}).', hint: 'To begin anew with a gap: holdfast wal stream --restart; then make a base backup.' },
  'wal-diverged': { exit: 1, message: 'Cannot add the WAL of this server to what is stored: {reason}.', hint: 'Check that it is the right server. If it was put back to an earlier state on purpose, promote it to a timeline of its own, and make a base backup.' },
  'wal-different': { exit: 1, message: 'Cannot store {name}: it is stored already, with other content.', hint: 'Two servers write as the same cluster and timeline: find out which is the right one, and promote the other to a timeline of its own.' },
  'wal-file': { exit: 1, message: 'Cannot use {name}: {reason}.', hint: 'Give the path and the name as PostgreSQL does: holdfast wal push %p, holdfast wal fetch %f %p' },
  'wal-fetch-failed': { exit: 126, message: 'Cannot fetch {name}: {reason}.', hint: 'Recovery must not go on without it. {remedy}' },
  'wal-missing': { exit: 1, message: 'Cannot find {name}: it is not stored.', hint: 'See what is stored with: holdfast wal status' },
  'wal-short': { exit: 1, message: 'Cannot read {wanted} bytes of the WAL segment {name}: {got} of them are stored.', hint: 'See what is stored with: holdfast wal status' },
  'wal-none': { exit: 1, message: 'Cannot find WAL in {location}: {reason}.', hint: 'Begin with: holdfast wal stream' },
  'wal-gap': { exit: 1, message: 'Cannot recover to {target}: on timeline {timeline} the WAL from {from} to {to} is missing.', hint: 'The newest that can be reached from this base is {newest}; a newer base may reach further.' },
  'wal-target-ahead': { exit: 1, message: 'Cannot recover to {target}: the WAL ends before it.', hint: 'The newest that can be reached is {newest}.' },
  'wal-target-early': { exit: 1, message: 'Cannot recover to {target} from this base: it ends at {end}, and no earlier state can be reached from it.', hint: 'Choose an older base; see what there is with: holdfast list' },
  'wal-timeline-unknown': { exit: 1, message: 'Cannot recover along timeline {timeline}: {reason}.', hint: 'See which timelines there are with: holdfast wal status' },
  'wal-timeline-ambiguous': { exit: 2, message: 'Cannot choose a timeline for {target}: it was reached on several ({timelines}).', hint: 'Say which to holdfast restore with --timeline N.' },
  /* recovery to a moment */
  'server-programs-missing': { exit: 1, message: 'Cannot run PostgreSQL {major}: {places} have no server of that version.', hint: 'Install it with: apt-get install postgresql-{major}' },
  'recovery-directory': { exit: 1, message: 'Cannot recover a server in {path}: {reason}.', hint: '{remedy}.' },
  'recovery-unreached': { exit: 1, message: 'Cannot recover to {target}: the write-ahead log ends before it, with {newest}.', hint: 'Take that moment, or the newest there is: --at latest' },
  'recovery-failed': { exit: 1, message: 'Cannot recover in {path}: {reason}.', hint: '{remedy}.' },
  'recovery-mismatch': { exit: 4, message: 'Cannot vouch for the recovered server in {path}: {reason}.', hint: 'Try an older point or an earlier moment, and run: holdfast check --read-data' },
  'moment-unreachable': { exit: 1, message: 'Cannot go back to {target}: {reason}.', hint: '{remedy}.' },
  /* physical base backups */
  'base-chain': { exit: 1, message: 'Cannot build on the base backup {snapshot}: {reason}.', hint: 'Make a full base backup.' },
  'base-mismatch': { exit: 4, message: 'Cannot vouch for the data directory put together in {path}: {reason}.', hint: 'Try an older point, and run: holdfast check --read-data' },
  /* replication */
  'replication-role': { exit: 1, message: 'Cannot replicate from {server} as "{user}": {reason}.', hint: 'As a superuser run: ALTER ROLE {role} REPLICATION;' },
  'replication-rules': { exit: 1, message: 'Cannot replicate from {server} as "{user}": {reason}.', hint: 'Add this line to the server\'s pg_hba.conf, above what it already has: {line} – then run: SELECT pg_reload_conf();' },
  'replication-off': { exit: 1, message: 'Cannot replicate from {server}: {reason}.', hint: 'Set in the server\'s postgresql.conf: wal_level = replica, max_wal_senders = 10, max_replication_slots = 10 – then restart the server.' },
  'replication-senders': { exit: 1, message: 'Cannot replicate from {server}: all of its {count} WAL senders are in use.', hint: 'See by whom: SELECT pid, application_name, client_addr FROM pg_stat_replication; or set max_wal_senders = {more} in postgresql.conf and restart the server.' },
  'replication-managed': { exit: 1, message: 'Cannot replicate from {server}: {provider} does not let its servers be copied as files.', hint: 'Back it up as a dump: mode: logical' },
  'replication-lost': { exit: 1, message: 'Cannot go on with {server}: {reason}.', hint: 'Check that the server runs and its log ({check}), then run the same command again.' },
  'replication-protocol': { exit: 1, message: 'Cannot trust what {server} sends: {reason}.', hint: 'Check that nothing stands between, such as a pooler (PgBouncer cannot replicate), then run the same command again.' },
  'replication-failed': { exit: 1, message: 'Cannot replicate from {server}: {reason}.', hint: 'Put right what the server reports, then run the same command again.' },
  'replication-container': { exit: 1, message: 'Cannot replicate from {server}: it cannot be reached from here ({reason}).', hint: 'Work as root on the machine of the Docker engine, or publish the port in the Compose file, ports: ["127.0.0.1:5432:5432"], with listen_addresses = \'*\' in the server.' },
  'base-damaged': { exit: 4, message: 'Cannot trust the files of {server}: {reason}.', hint: 'Nothing was saved. The disk or the memory of the server is damaged: look at its log, check with pg_amcheck, and restore an older point elsewhere before anything else is written.' },
  'base-increment': { exit: 1, message: 'Cannot take an increment of {server}: {reason}.', hint: 'Set summarize_wal = on in the server\'s postgresql.conf (PostgreSQL 17 and newer), run SELECT pg_reload_conf(); and take a full base backup first.' },
  /* retention */
  'point-held': { exit: 1, message: 'Cannot forget point {id}: it is {reason}.', hint: 'If it may go, release it first: holdfast hold release {id}' },
  'prune-large': { exit: 1, message: 'Cannot prune {location}: {removed} of {all} points would go at once, and that is not done unasked.', hint: 'Nothing was done. Look at what goes (holdfast prune --dry-run); if it is right: holdfast prune --yes --allow-large' },
  /* archives, imports, escrow */
  'archive-exists': { exit: 1, message: 'Cannot write the archive {name}: {location} has it already.', hint: 'Archives are never overwritten: take that one away first, or archive another point.' },
  'archive-target': { exit: 1, message: 'Cannot write to {location}: {reason}.', hint: '{remedy}.' },
  'archive-mismatch': { exit: 4, message: 'Cannot vouch for {name} of the archive: {reason}.', hint: 'The archive was not kept. Check the place that it was written to, then run the same command again.' },
  'archive-unknown': { exit: 2, message: 'Cannot find the archive "{name}" in {file}: there is no such name ({there}).', hint: 'Name one of those, or say where to with --to.' },
  'seal-recipient': { exit: 2, message: 'Cannot encrypt to {recipient}: {reason}.', hint: 'Give an age recipient (age1…), a key in the keyring, or a file that holds a public key.' },
  'gpg-missing': { exit: 1, message: 'Cannot run gpg: {reason}.', hint: 'Install it with: apt-get install gnupg' },
  'gpg-failed': { exit: 1, message: 'Cannot {action}: {reason}.', hint: 'Put right what gpg reports, then run the same command again.' },
  'import-unreadable': { exit: 1, message: 'Cannot import {path}: {reason}.', hint: '{remedy}.' },
  'import-nothing': { exit: 1, message: 'Cannot import: {reason}.', hint: 'See what is recognised, and why, with --dry-run.' },
  /* server */
  'server-setup': { exit: 2, message: 'Cannot serve {what}: {reason}.', hint: '{help}.' },
  /* catalog and audit */
  'catalog-newer': { exit: 1, message: 'Cannot use the history of this host in {path}: a newer holdfast wrote it (version {version}, and this one knows up to {known}).', hint: 'Use that holdfast, or set HOLDFAST_STATE to another folder; nothing was changed.' },
  'catalog-failed': { exit: 1, message: 'Cannot use the history of this host in {path}: {reason}.', hint: 'Check that the folder can be written and that its disk has room, or set HOLDFAST_STATE to another one.' },
  /* the daemon and its interface */
  'daemon-running': { exit: 11, message: 'Cannot serve {file}: another daemon does already ({holder}).', hint: 'One daemon for one configuration. Where that one is gone for good, wait a minute and run the same command again.' },
  'run-not-started': { exit: 1, message: 'Cannot start a run: {reason}.', hint: 'Check the memory and the process limits of this machine, and that the program is still installed where it was.' },
  'api-token': { exit: 1, message: 'Cannot answer: {reason}.', hint: 'Send the header "Authorization: Bearer TOKEN" with a token of serve.tokens in holdfast.yaml.' },
  'api-role': { exit: 1, message: 'Cannot {action}: {who} may not.', hint: 'That takes a token with the role {role} under serve.tokens in holdfast.yaml.' },
  'api-unknown': { exit: 1, message: 'Cannot find {what}: there is none.', hint: 'See what there is with GET /api/v1/jobs and GET /api/v1/runs.' },
  'api-request': { exit: 1, message: 'Cannot take this request: {reason}.', hint: 'See docs/api.md.' },
  'api-unready': { exit: 1, message: 'Cannot answer: {reason}.', hint: 'Look at the log of the daemon, and at holdfast doctor.' },
  /* drills */
  'drill-space': { exit: 1, message: 'Cannot drill {what}: {reason}.', hint: 'Free space there, drill fewer components, or name another folder for temporary clusters and files in HOLDFAST_SCRATCH.' },
  'drill-late': { exit: 4, message: 'Cannot vouch for {what}: the drill was not done within {limit}.', hint: 'See which step takes so long with holdfast drill --report; where that is as it should be, allow more time (within).' },
  'drill-not-possible': { exit: 2, message: 'Cannot drill {what}: {reason}.', hint: '{remedy}.' },
  /* metrics */
  'metrics-unwritable': { exit: 1, message: 'Cannot write the metrics to {path}: {reason}.', hint: 'Name a file that ends with .prom in the folder of the textfile collector, and check that it can be written.' },
  /* schedules for others */
  'schedule-form': { exit: 2, message: 'Cannot write the schedule for {form}: {reason}.', hint: '{remedy}.' },
  'schedule-tool': { exit: 1, message: 'Cannot use {tool}: {reason}.', hint: 'Put right what it reports, then run the same command again; "holdfast schedule print" shows what it would have been given.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** What every part of holdfast throws: a code from the catalogue, the sentence, the hint, and the cause. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly exitStatus: ExitStatus;
  readonly hint: string;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    const entry: CatalogueEntry = catalogue[code];
    // A sentence that ends with a question needs no full stop.
    super(fill(entry.message, details).replace(/\?\.$/, '?'), cause === undefined ? undefined : { cause });
    this.code = code;
    this.exitStatus = entry.exit;
    this.hint = fill(entry.hint, details);
    this.details = details;
  }
}

/** True for a HoldfastError of the given code. */
export function isError(error: unknown, code: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && error.code === code;
}

/** Any thrown value as one of the catalogue's errors; what nobody foresaw is `internal`. */
export function toHoldfastError(error: unknown): HoldfastError {
  return error instanceof HoldfastError ? error : new HoldfastError('internal', { reason: reasonOf(error) }, error);
}

/** The plain reason inside any thrown value, for the `{reason}` of another error. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

/** The reason, and where the error is one of ours what to do about it: for a problem that a person reads by itself. One line. */
export function reasonAndHint(error: unknown): string {
  return error instanceof HoldfastError ? `${reasonOf(error)}. ${error.hint}` : reasonOf(error);
}

function fill(template: string, details: ErrorDetails): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? `{${name}}`));
}
