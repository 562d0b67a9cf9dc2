/** `patient-sync completion`: its words, against the commands themselves and in a real bash. test/peers has zsh. */
import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { watchCommand } from './support/command.ts';

const Commands = z.record(
  z.string(),
  z.object({
    words: z.array(z.string()).default([]),
    options: z.record(z.string(), z.array(z.string()).nullable()),
  }),
);

const start = (program: string, ...args: string[]) =>
  watchCommand(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }));

async function patientSync(...args: string[]): Promise<string> {
  const command = start(process.execPath, 'bin/patient-sync.js', ...args);
  expect(await command.exit, args.join(' ')).toBe(0);
  return command.output();
}

/** What bash offers for a line whose last word is being typed. */
async function offers(words: readonly string[]): Promise<string[]> {
  const script = `source <("$0" bin/patient-sync.js completion bash)
    COMP_WORDS=(patient-sync "$@"); COMP_CWORD=$#; _patient_sync; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const bash = start('bash', '-c', script, process.execPath, ...words);
  expect(await bash.exit, bash.errors()).toBe(0);
  return bash
    .output()
    .split('\n')
    .filter((line) => line !== '');
}

describe('completion', () => {
  test('knows the options of each command, and no others', async () => {
    const file: string = '../../bin/commands.js';
    const commands = Commands.parse((await import(file)).COMMANDS);
    expect(Object.keys(commands)).toContain('serve');
    await Promise.all(
      Object.entries(commands).map(async ([name, { words, options }]) => {
        const usage = await patientSync(name, '--help');
        const named = new Set([...usage.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option));
        expect(
          Object.keys(options)
            .map((option) => option.replace('=', ''))
            .sort(),
          name,
        ).toEqual([...named].sort());
        for (const word of words) expect(usage).toContain(word);
      }),
    );
  });

  test.for([
    [['sy'], ['sync']],
    [['sync', '--m'], ['--mode']],
    [
      ['sync', '--mode', ''],
      ['full', 'active', 'changed'],
    ],
    [['sync', '--org', ''], []],
    [['tokens', 're'], ['revoke']],
    [['tokens', 'create', '--scope', 'm'], ['metrics']],
    [['serve', '--log-level', '=', 'de'], ['debug']],
    [
      ['serve', '--log-level', '='],
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', '--help'],
    ],
  ] as const)('in bash: %j', async ([words, expected]) => {
    expect(await offers(words)).toEqual(expected);
  });

  test('without a shell that it knows says which it knows', async () => {
    const wrong = start(process.execPath, 'bin/patient-sync.js', 'completion', 'fish');
    expect(await wrong.exit).toBe(2);
    expect(wrong.errors()).toContain('completion bash|zsh');
  });
});
