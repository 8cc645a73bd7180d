import { join } from 'node:path';
import { cleanEnvironment, password, type Command, type Peer, type Place } from './peer.ts';
import { resticCheck } from './restic.ts';

/** The built package, as it is installed: the Node that runs the benchmark, and `dist/cli/main.js`. */
export const holdfastEntry = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js');

/** holdfast with its defaults. Stock `restic check` judges every repository it writes. */
export const holdfast: Peer = {
  name: 'holdfast',
  settings: 'defaults, built package',
  version: { argv: [process.execPath, holdfastEntry, '--version'], env: cleanEnvironment('/nonexistent') },
  init: (place) => [holdfastCommand(place, 'repo', 'init', '-r', place.repository)],
  backup: (place, paths) => [
    holdfastCommand(place, 'backup', '-r', place.repository, '--quiet', ...paths.flatMap((path) => ['--files', path])),
  ],
  restore: (place, _label, target) => [holdfastCommand(place, 'restore', 'latest', '-r', place.repository, '--target', target, '--quiet')],
  prune: (place) => [holdfastCommand(place, 'prune', '-r', place.repository, '--keep-last', '1', '--quiet')],
  judge: (place) => [resticCheck(place)],
};

function holdfastCommand(place: Place, ...words: string[]): Command {
  return { argv: [process.execPath, holdfastEntry, ...words], env: { ...cleanEnvironment(place.home), HOLDFAST_PASSWORD: password } };
}
