/** The words for a repository that is copied from, or that a new one is to be like. */
import type { OptionDescription } from './command-description.ts';

export const fromOptions: readonly OptionDescription[] = [
  { flags: '--from-repo <url>', text: 'the other repository, which is copied from (or HOLDFAST_FROM_REPOSITORY)' },
  { flags: '--from-repository-file <file>', text: 'a file that holds its address' },
  { flags: '--from-password-file <file>', text: 'a file that holds its password' },
  { flags: '--from-password-command <command>', text: 'a program that prints its password' },
];

export const sameKeyOption: OptionDescription = {
  flags: '--same-key',
  text: 'give the new repository the key of the other, under a password of its own: copies take over whole packs; who can open one can then open both',
};
