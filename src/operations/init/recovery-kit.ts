/** The page for the worst day: what is needed to get everything back, in words and commands that need no other page. */

import { resticAddress } from '../../storage/restic-address.ts';
import { shellWord } from '../../util/shell-word.ts';

/** Its name, beside the configuration. */
export const kitFile = 'holdfast-recovery-kit.md';

export interface RecoveryKitFacts {
  readonly application: string;
  readonly host: string;
  readonly made: Date;
  /** Absolute path, or a URL. */
  readonly repository: string;
  readonly password: PasswordKeeping;
  readonly components: readonly { readonly name: string; readonly kind: string }[];
}

/** Where the password is kept; `text` only where somebody wants it on paper. */
export interface PasswordKeeping {
  readonly file?: string;
  readonly command?: string;
  readonly text?: string;
}

export function writeRecoveryKit(facts: RecoveryKitFacts): string {
  const { application, host, made, repository, components } = facts;
  const address = shellWord(repository);
  const resticWord = shellWord(resticAddress(repository));
  const isFolder = repository.startsWith('/');
  return `# Recovery kit: ${application}

Made on ${made.toISOString().slice(0, 10)} on the machine ${host}. Print it, and keep it where a fire on that machine does not reach it.

## What you need

1. **The repository**, which holds the backups: \`${repository}\`${
    isFolder
      ? `
   (a folder of the machine ${host}, or a copy of it, wherever you have one)`
      : ''
  }
2. **Its password.** Without it nothing can be read, by nobody. ${keepingOf(facts.password)}
3. **holdfast** (Node 24 or newer) or **restic** (0.14 or newer). Either can read all of it.

${facts.password.text === undefined ? `Password, in your own hand: ____________________________________________` : `Password: \`${facts.password.text}\``}

A second way to the password, sealed for somebody you trust: \`holdfast key escrow -r ${address} --to RECIPIENT --out escrow.age\`. It is noted at the end of this page.

## Everything back, on an empty machine

\`\`\`
export HOLDFAST_PASSWORD='...'
holdfast list -r ${address}
holdfast recover -r ${address} --dry-run
holdfast recover -r ${address}
\`\`\`

The repository and its password are all that it needs: the configuration comes from the repository. Where a step fails it says so;
\`holdfast recover -r ${address} --resume\` goes on from there.

## One part of it

\`\`\`
holdfast show latest -r ${address}
${components.map(({ name, kind }) => `holdfast restore latest -r ${address} --component ${name}${kind === 'files' || kind === 'volumes' ? ' --target ./back' : ''}`).join('\n')}
\`\`\`

## Without holdfast

Any restic opens the repository. Each component is a snapshot of its own, with its name as a tag:

\`\`\`
export RESTIC_PASSWORD='...'
restic -r ${resticWord} snapshots
${components.map(({ name }) => `restic -r ${resticWord} restore latest --tag component:${name} --target ./back/${name}`).join('\n')}
\`\`\`
${
  components.some(({ kind }) => kind === 'postgres')
    ? `
A database is then a dump, below \`postgres/\`, and PostgreSQL's own programs put it back:

\`\`\`
createdb NEW
pg_restore --dbname NEW --no-owner ./back/database/postgres/NAME/database.dump
\`\`\`
`
    : ''
}
## Is it all still there?

Before it is needed, once a month:

\`\`\`
holdfast check -r ${address} --read-data
\`\`\`
`;
}

function keepingOf({ file, command }: PasswordKeeping): string {
  if (file !== undefined) return `On that machine it is in the file \`${file}\`.`;
  return command === undefined
    ? 'It was given in HOLDFAST_PASSWORD, and holdfast keeps no copy of it.'
    : `The command \`${command}\` prints it.`;
}
