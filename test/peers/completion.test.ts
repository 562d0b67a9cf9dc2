/** The completion of `patient-sync` in a real zsh, which a person uses at a terminal. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { watchCommand } from '../cli/support/command.ts';
import { folder, run } from './support/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Types at the prompt of a zsh that has a terminal of its own; control-X prints the line as it is then. */
const SCRIPT = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; cd $1; autoload -U compinit; compinit -D -u; patient-sync() { node $2/bin/patient-sync.js \\"\\$@\\" }"
zpty -w shell "show() { print -r -- LINE=\\$BUFFER=LINE }; zle -N show; bindkey '^X' show; unsetopt beep"
zpty -w shell "source <(patient-sync completion zsh); print READY-\\$(( 6 * 7 ))"
zpty -r -m shell text '*READY-42*'
zpty -w -n shell "$3"$'\\x18'
zpty -r -m shell text '*LINE=*=LINE*'
print -r -- "\${\${text##*LINE=}%=LINE*}"
`;

test.for([
  ['sy\t', 'sync '],
  ['sync --mo\tch\t', 'sync --mode changed '],
  ['tokens re\t', 'tokens revoke '],
  ['serve --log\tde\t', 'serve --log-level=debug '],
  ['import-legacy --map a=1 --ma\t', 'import-legacy --map a=1 --map '],
  ['sync --json --js\t', 'sync --json --js'],
] as const)('zsh completes %j', async ([typed, expected]) => {
  const directory = await folder();
  const script = join(directory, 'complete.zsh');
  await writeFile(script, SCRIPT);
  const zsh = watchCommand(run('zsh', ['-f', script, directory, ROOT, `patient-sync ${typed}`]));
  expect(await zsh.exit, zsh.errors()).toBe(0);
  expect(zsh.output()).toBe(`patient-sync ${expected}\n`);
});
