/** The specification's own JSON Schema of AsyncAPI 3.0.0. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export function asyncApiSchema(): object {
  const file = require.resolve('@asyncapi/specs/schemas/3.0.0.json');
  return JSON.parse(readFileSync(file, 'utf8'));
}
