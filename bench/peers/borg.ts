import { cleanEnvironment, password, type Command, type Peer, type Place } from './peer.ts';

/** Borg with zstd level 3, the compression that restic and holdfast use: the fairer comparison. */
export const borg: Peer = makeBorg('borg', 'zstd,3');

/** Borg as it is when nothing is said about compression: faster, and larger on disk. */
export const borgLz4: Peer = makeBorg('borg-lz4', 'lz4');

function makeBorg(name: string, compression: string): Peer {
  return {
    name,
    settings: `--encryption repokey --compression ${compression}${compression === 'lz4' ? ' (its default)' : ''}`,
    version: { argv: ['borg', '--version'], env: cleanEnvironment('/nonexistent') },
    init: (place) => [borgCommand(place, 'init', '--encryption', 'repokey', place.repository)],
    backup: (place, paths, label) => [
      borgCommand(place, 'create', '--compression', compression, `${place.repository}::${label}`, ...paths),
    ],
    restore: (place, label, target) => [{ ...borgCommand(place, 'extract', `${place.repository}::${label}`), cwd: target }],
    prune: (place) => [borgCommand(place, 'prune', '--keep-last', '1', place.repository), borgCommand(place, 'compact', place.repository)],
    judge: () => [],
  };
}

function borgCommand(place: Place, ...words: string[]): Command {
  return { argv: ['borg', ...words], env: { ...cleanEnvironment(place.home), BORG_PASSPHRASE: password, BORG_BASE_DIR: place.home } };
}
