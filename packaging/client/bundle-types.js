/**
 * Completes the types of the package after `tsc`, so that an installation needs no other package: adds the types of
 * `zod/mini`, from which the contract infers its own. Without this a program would get `any` for a sync log.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = fileURLToPath(new URL('dist/types/', import.meta.url));
const ZOD = fileURLToPath(new URL('../../node_modules/zod/', import.meta.url));

for (const name of readdirSync(TYPES, { recursive: true })) {
  const file = join(TYPES, name);
  if (!name.endsWith('.d.ts')) continue;
  const mini = join(relative(dirname(file), TYPES), 'zod/v4/mini/index.js');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll("'zod/mini'", `'${mini}'`));
}
for (const folder of ['core', 'mini', 'locales']) {
  cpSync(join(ZOD, 'v4', folder), join(TYPES, 'zod/v4', folder), {
    recursive: true,
    filter: (path) => !/\.[^/]+$/.test(path.slice(ZOD.length)) || path.endsWith('.d.ts'),
  });
}
cpSync(join(ZOD, 'LICENSE'), join(TYPES, 'zod/LICENSE'));
