#!/usr/bin/env node
/**
 * `patient-sync <command>`: all commands as one program; the npm scripts call it too.
 *
 * Plain JavaScript that an old Node understands too: what it needs is checked before anything else is loaded. Each command
 * is a module that reads the rest of the command line itself.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from './commands.js';
import { completion } from './completion.js';

const HELP = `Usage: npx patient-sync <command> [options]

${Object.entries(COMMANDS)
  .map(([name, { what }]) => `  ${name.padEnd(13)} ${what}`)
  .join('\n')}

npx patient-sync <command> --help shows its options.`;

const OLDEST_NODE = [20, 19];

function isOldNode(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

function end(line, code) {
  process.stderr.write(`${line}\n`);
  process.exit(code);
}

const [name = '', ...rest] = process.argv.slice(2);
if (name === '--help' || name === '-h' || name === 'help') {
  process.stdout.write(`${HELP}\n`);
} else if (!Object.hasOwn(COMMANDS, name)) {
  end(name === '' ? HELP : `Unknown command ${JSON.stringify(name)}.\n${HELP}`, 2);
} else if (name === 'completion') {
  const text = completion(COMMANDS, rest);
  if (text === undefined) end(completion.usage, 2);
  process.stdout.write(`${text}\n`);
} else if (isOldNode(process.versions.node)) {
  end(
    `Patient Sync needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}. Install the active LTS from https://nodejs.org.`,
    1,
  );
} else {
  const module = new URL(`../dist/${COMMANDS[name].module}.js`, import.meta.url);
  if (!existsSync(fileURLToPath(module))) {
    end('Patient Sync is not built (dist/ is missing). Run: npm ci --include=dev && npm run build', 1);
  }
  // The module reads its own options, as if it had been called itself.
  process.argv.splice(2, process.argv.length, ...rest);
  await import(module.href);
}
