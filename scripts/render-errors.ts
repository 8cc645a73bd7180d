interface Entry {
  readonly exit: number;
  readonly message: string;
  readonly hint: string;
}

const meanings: Readonly<Record<string, string>> = {
  done: 'done',
  failed: 'failed',
  usage: 'wrong usage or configuration',
  incomplete: 'done, but something could not be read or restored as it was',
  disproved: 'an objective is missed, or a drill disproved a backup',
  noRepository: 'there is no repository at this address',
  locked: 'the repository is locked by another process',
  wrongPassword: 'no password, or a wrong one',
  unavailable: '`wal fetch` only: the segment may be there, and could not be had; PostgreSQL then waits, and does not take it for absent',
  interrupted: 'interrupted',
};

/** The page of every failure: what it says, what to do, how the process ends. */
export function renderErrors(catalogue: Readonly<Record<string, Entry>>, exitStatus: Readonly<Record<string, number>>): string {
  const statuses = Object.entries(exitStatus).map(([name, status]) => `| ${status} | ${meaningOf(name)} |`);
  const errors = Object.entries(catalogue).map(
    ([code, { exit, message, hint }]) => `## ${code}\n\n> ${placeholders(message)}\n\n${placeholders(hint)}\n\nExit status: ${exit}\n`,
  );
  return `# Errors

Generated from \`src/errors.ts\` by \`npm run docs\`: do not edit.

Every failure has a code that does not change (\`code\` in \`--json\` output), a sentence that says what could not be done and why, and a hint that says what
to do. Words in *italics* are filled in when it happens.

## Exit status

Anything but 0 is a failure to a script.

| status | meaning |
|---|---|
${statuses.join('\n')}

${errors.join('\n')}`;
}

function meaningOf(name: string): string {
  const meaning = meanings[name];
  if (meaning === undefined) throw new Error(`Cannot describe the exit status "${name}": scripts/render-errors.ts has no sentence for it.`);
  return meaning;
}

function placeholders(text: string): string {
  return text.replaceAll(/\{(\w+)\}/g, '*$1*');
}
