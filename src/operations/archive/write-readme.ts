/** README.txt: how to put everything back with programs that every system has. Lines that begin with four spaces are commands. */
import type { ArchiveItem, RecipeSource } from './archive-item.ts';
import { shellWord } from '../../util/shell-word.ts';
import { manifestFile, sumsFile } from './archive-names.ts';
import { fileNameOf, oneFileEnding, type ArchivePlan } from './archive-plan.ts';
import type { Sealer } from './sealing.ts';

export function writeReadme(plan: ArchivePlan, sealer: Sealer | undefined): string {
  const { items } = plan;
  const parts = [
    introduction(plan, sealer),
    checkSums(plan),
    preparation(plan, sealer),
    ...items.map((item) => section(item, plan, sealer)),
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function introduction({ name, application, point, older, items, oneFile, compression }: ArchivePlan, sealer: Sealer | undefined): string[] {
  const ending = sealer?.ending ?? '';
  const packed = `${name}${oneFileEnding({ compression }, ending)}`;
  const reader = sealer === undefined ? `cat ${packed}` : sealer.openCommand(packed);
  return [
    name,
    '='.repeat(name.length),
    '',
    `${application === undefined ? 'A backup' : `A backup of ${application}`}, made on ${point.host}, of ${point.time}.`,
    `It was recovery point ${point.id.slice(0, 8)} of a holdfast repository; nothing of holdfast is needed to read it.`,
    ...older.map(({ component, time }) => `"${component}" is of ${time}: that point did not save it anew.`),
    '',
    `It holds ${items.length === 1 ? 'one thing that is' : `${items.length} things that are`} put back by the commands below, in this order. ${manifestFile} says the same to programs.`,
    ...(sealer === undefined ? ['It is not encrypted.'] : [`It is encrypted by ${sealer.title}.`]),
    ...(oneFile
      ? ['', 'All of it was one file, and was unpacked by:', '', `    # ${reader} | ${unzip(compression)} | tar --extract --file=-`]
      : []),
  ];
}

function checkSums({ oneFile }: ArchivePlan): string[] {
  return [
    'Is it whole?',
    '------------',
    '',
    ...(oneFile ? [] : [`An archive without the file ${sumsFile} is not whole: it is written last.`, '']),
    `    sha256sum --check --quiet ${sumsFile}`,
  ];
}

function preparation({ items }: ArchivePlan, sealer: Sealer | undefined): string[] {
  const kinds = new Set(items.map(({ kind }) => kind));
  const programs = ['tar', ...(kinds.has('postgres') ? ['psql and pg_restore'] : []), ...(kinds.has('code') ? ['git'] : [])];
  return [
    'Before you begin',
    '----------------',
    '',
    `Run the commands in this folder. They need ${programs.join(', ')}${sealer === undefined ? '' : ` and ${sealer.ending === '.age' ? 'age' : 'gpg'}`}.`,
    'TARGET is the folder that files go to. As root they keep their owners; extended attributes and access lists come back where tar is given --xattrs and --xattrs-include=*.',
    ...(kinds.has('postgres') ? ['PGHOST, PGPORT, PGUSER and PGPASSWORD say where the server is; the user should be a superuser.'] : []),
    ...(sealer?.ending === '.age' ? ['AGE_KEY is the file with the secret key.'] : []),
    '',
    '    export TARGET="${TARGET:-$PWD/restored}"',
    '    mkdir -p "$TARGET"',
    ...(kinds.has('redis') ? ['    export REDIS_DATA="${REDIS_DATA:-$TARGET/redis}"'] : []),
    ...(sealer?.ending === '.age' ? ['    export AGE_KEY="${AGE_KEY:-$HOME/age-key.txt}"'] : []),
  ];
}

function section(item: ArchiveItem, plan: ArchivePlan, sealer: Sealer | undefined): string[] {
  const file = plan.oneFile ? item.name : fileNameOf(item, plan, sealer?.ending ?? '');
  const { title, notes, commands } = item.recipe;
  const heading = `${file}: ${title}`;
  const source = plan.oneFile ? openUnpacked(item) : openPacked(item, file, plan, sealer);
  return [
    heading,
    '-'.repeat(heading.length),
    '',
    ...(notes.length === 0 ? [] : [...notes, '']),
    ...commands(source).map((line) => `    ${line}`),
  ];
}

const extract = 'tar --extract --preserve-permissions --file=-';

function openPacked(item: ArchiveItem, file: string, plan: ArchivePlan, sealer: Sealer | undefined): RecipeSource {
  const word = shellWord(file);
  const decrypt = sealer?.openCommand(word);
  const stages = [...(decrypt === undefined ? [] : [decrypt]), ...(item.compressed ? [unzip(plan.compression)] : [])];
  const [first] = stages;
  const read = first === undefined ? `cat ${word}` : decrypt === undefined ? `${first} < ${word}` : stages.join(' | ');
  return { read, unpack: (folder) => [`${read} | ${extract} --directory=${folder}`] };
}

/** The whole archive was unpacked before anybody reads this. */
function openUnpacked({ name }: ArchiveItem): RecipeSource {
  const word = shellWord(name);
  return { read: `cat ${word}`, unpack: (folder) => [`cp -a ${word}/. ${folder}`] };
}

function unzip(compression: ArchivePlan['compression']): string {
  return compression === 'gzip' ? 'gunzip' : 'zstd --decompress --stdout';
}
