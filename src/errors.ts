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
  'prune-refused': { exit: 1, message: 'Cannot prune {location}: {reason}.', hint: 'Nothing was deleted. Run: holdfast check' },
  'prune-outdated': { exit: 1, message: 'Cannot prune {location}: the repository is not as it was when this was planned ({reason}).', hint: 'Run the command again.' },
  'snapshot-missing': { exit: 1, message: 'Cannot find the point "{name}": {reason}.', hint: 'See what there is with: holdfast list' },
  'path-missing': { exit: 1, message: 'Cannot find {path} in the point {point}: it is not there.', hint: 'See what there is with: holdfast ls {point}' },
  'path-not-file': { exit: 1, message: 'Cannot print {path}: it is not a file.', hint: 'See what is in it with: holdfast ls POINT:{path}' },
  'source-unreadable': { exit: 1, message: 'Cannot back up {path}: {reason}.', hint: 'Check the path and the permissions.' },
  'nothing-to-back-up': { exit: 2, message: 'Cannot back up: nothing was named.', hint: 'Give --files PATH or --postgres URL.' },
  'postgres-url': { exit: 2, message: 'Cannot use this PostgreSQL address: {reason}.', hint: 'Use postgresql://USER@HOST:PORT/DATABASE, with the password in PGPASSWORD or ~/.pgpass.' },
  'postgres-unreachable': { exit: 1, message: 'Cannot reach {title}: {reason}.', hint: 'Check that the server runs and that the address is right: pg_isready -h {host} -p {port}' },
  'postgres-login': { exit: 1, message: 'Cannot log in to {title} as "{user}": {reason}.', hint: 'Check the user and the password (in the URL, PGPASSWORD, PGPASSFILE or ~/.pgpass) and the server\'s pg_hba.conf.' },
  'postgres-database-missing': { exit: 1, message: 'Cannot open {title}: there is no such database on that server.', hint: 'See what there is with: psql -h {host} -p {port} -U {user} -l' },
  'postgres-permission': { exit: 1, message: 'Cannot work on {title} as "{user}": {reason}.', hint: 'Let the user read everything: GRANT pg_read_all_data TO "{user}"; (with row security, also ALTER ROLE "{user}" BYPASSRLS;).' },
  'postgres-restore-permission': { exit: 1, message: 'Cannot restore on {title} as "{user}": {reason}.', hint: 'Restore as the owner of the database or a superuser (--postgres postgresql://USER@HOST/DATABASE); a new database needs the right to create one: ALTER ROLE "{user}" CREATEDB;' },
  'postgres-tools-missing': { exit: 1, message: 'Cannot find {tool}: {places} have none.', hint: 'Install it with: apt-get install {package}' },
  'postgres-tools-old': { exit: 1, message: 'Cannot use {tool} {toolVersion} with {title}: that is version {serverVersion}, and an older tool is refused.', hint: 'Install newer tools with: apt-get install {package}' },
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
  'storage-full': { exit: 1, message: 'Cannot write to {location}: the disk is full.', hint: 'Free space (holdfast prune), then run the command again; what was saved is kept.' },
  'storage-denied': { exit: 1, message: 'Cannot {action} {key} in {location}: permission is denied.', hint: 'Check the owner and the mode of that folder, or the rights of the key used.' },
  'storage-failed': { exit: 1, message: 'Cannot {action} {key} in {location}: {reason}.', hint: 'Check that the storage answers, then run the command again.' },
  'storage-key': { exit: 1, message: 'Cannot use the key "{key}" in {location}: it is not of the allowed form.', hint: 'Run: holdfast check' },
  'storage-url': { exit: 2, message: 'Cannot use "{url}" as a repository: {reason}.', hint: 'Use a path such as /backups/app.' },
  'machine-unreliable': { exit: 1, message: 'Cannot trust this machine: blob {id} was not the same after it was compressed, encrypted and opened again.', hint: 'Test the memory and the processor of this machine. Nothing wrong was stored.' },
  'internal': { exit: 1, message: 'Cannot go on: {reason}.', hint: 'This is a defect of holdfast: please report it with the command you ran.' },
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
    super(fill(entry.message, details), cause === undefined ? undefined : { cause });
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

function fill(template: string, details: ErrorDetails): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? `{${name}}`));
}
