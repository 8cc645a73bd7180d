/** The recovery kit beside the configuration says where a password is kept for the worst day. */
import { appendFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { kitFile } from '../operations/init/recovery-kit.ts';
import type { EscrowReport } from '../operations/escrow/escrow-password.ts';
import { findConfiguration } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';

/** The kit that it was noted in; undefined where there is none. */
export async function noteEscrow(
  context: CommandContext,
  { file, keyId, sealedBy, openCommand }: EscrowReport,
  repository: string,
): Promise<string | undefined> {
  const folder = (await findConfiguration(context).catch(() => undefined))?.folder;
  if (folder === undefined) return undefined;
  const kit = join(folder, kitFile);
  if (
    !(await stat(kit).then(
      (found) => found.isFile(),
      () => false,
    ))
  )
    return undefined;
  const day = context.clock.now().toISOString().slice(0, 10);
  await appendFile(
    kit,
    `
## Escrow of ${day}

A password of \`${repository}\` (key ${keyId.slice(0, 8)}) is in the file \`${resolve(file)}\`, encrypted by ${sealedBy}. Keep a copy of that file with this page.
Whoever has the key gets the password, and nothing else, from:

\`\`\`
${openCommand}
\`\`\`
`,
  );
  return kit;
}
