/** Questions on the terminal. Prompts go to stderr, so that stdout stays clean. */
import { HoldfastError } from '../errors.ts';

/** Whether somebody is there to answer. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks for a password without showing it. Throws `interrupted` on Ctrl-C and at the end of the input. */
export async function askPassword(prompt: string): Promise<string> {
  return readLine(`${prompt}: `, false);
}

/** Asks for a new password, twice. Throws `password-source` when it is empty or the two are not the same. */
export async function askNewPassword(what: string): Promise<string> {
  const first = await askPassword(`new password for ${what}`);
  if (first === '') throw new HoldfastError('password-source', { reason: 'an empty password protects nothing' });
  if ((await askPassword('the same again')) !== first)
    throw new HoldfastError('password-source', { reason: 'the two passwords are not the same' });
  return first;
}

/** Asks a question that only "y" or "yes" affirms. */
export async function askToConfirm(question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test((await readLine(`${question} [y/N] `, true)).trim());
}

const key = { interrupt: '\u0003', endOfInput: '\u0004', backspace: '\u0008', delete: '\u007f', eraseLine: '\u0015' } as const;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function readLine(prompt: string, echo: boolean): Promise<string> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const finish = (answer?: string): void => {
      stdin.off('data', read).off('end', ended);
      for (const name of signals) process.off(name, ended);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      if (answer === undefined) reject(new HoldfastError('interrupted'));
      else resolve(answer);
    };
    const ended = (): void => finish();
    const read = (text: string): void => {
      for (const character of text) {
        if (character === '\r' || character === '\n') return finish(typed.join(''));
        if (character === key.interrupt || (character === key.endOfInput && typed.length === 0)) return finish();
        if (character === key.eraseLine) typed = [];
        else if (character === key.backspace || character === key.delete) typed.pop();
        else if (character >= ' ') typed.push(character);
        if (echo) stderr.write(`\r\u001b[K${prompt}${typed.join('')}`);
      }
    };
    // A signal must not leave somebody's terminal without echo.
    for (const name of signals) process.on(name, ended);
    stdin.setEncoding('utf8');
    stdin.setRawMode(true);
    stderr.write(prompt);
    stdin.on('data', read).on('end', ended);
    stdin.resume();
  });
}
