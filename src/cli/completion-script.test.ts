import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { loadCommands } from './command-list.ts';
import { completionScript } from './completion-script.ts';
import { runHoldfast } from './testing/run-holdfast.ts';

const commands = await loadCommands();
const script = completionScript('bash', commands);

/** What bash offers for a line that ends where the cursor is. */
function complete(...words: string[]): string[] {
  const program = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status } = spawnSync('bash', ['-c', program, 'bash', ...words], { cwd: '/', encoding: 'utf8' });
  expect(status).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('the completion script', () => {
  test('is printed by the command', async () => {
    expect((await runHoldfast(['completion', 'bash'])).stdout).toBe(script);
  });

  test.each(['bash', 'zsh'] as const)('for %s is sound to bash', (shell) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: completionScript(shell, commands), encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('for fish has every command and option, each once in quotes', () => {
    const fish = completionScript('fish', commands);
    for (const line of fish.trimEnd().split('\n'))
      expect(line).toMatch(/^complete -c holdfast -n (?:\w+|'[^']+') (?:.*)-d '(?:[^'\\]|\\.)*'$/);
    expect(fish).toContain("-l keep-daily -r -d 'keep the newest point of each of n days'");
  });

  test('completes commands, commands of a group, options and files', () => {
    expect(complete('holdfast', 'ba')).toEqual(['backup']);
    expect(complete('holdfast', 'key', '')).toEqual(['list', 'add', 'remove', 'passwd', 'escrow']);
    expect(complete('holdfast', 'backup', '--exclude-l')).toEqual(['--exclude-larger-than']);
    expect(complete('holdfast', 'repo', 'init', '--repository-v')).toEqual(['--repository-version']);
    expect(complete('holdfast', 'backup', '--files', 'et')).toEqual(['etc']);
  });

  test('keeps hidden words to itself', () => expect(script).not.toContain('--retry-lock'));
});
