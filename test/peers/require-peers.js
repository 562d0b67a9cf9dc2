/**
 * The programs that the peer tests run, and the Debian packages that hold them. CI (as root) installs what is missing;
 * anywhere else the run ends with a line that names it.
 *
 * JavaScript, because .ci/run starts it beside `npm ci`, when nothing is there yet that reads TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @type {Record<string, string>} */
const PACKAGES = {
  bash: 'bash',
  curl: 'curl',
  jq: 'jq',
  python3: 'python3',
  openssl: 'openssl',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'systemd-analyze': 'systemd',
  psql: 'postgresql-client',
  pg_ctlcluster: 'postgresql',
  nginx: 'nginx-light',
  caddy: 'caddy',
  haproxy: 'haproxy',
  zsh: 'zsh',
  // The guide about embedding has a route for FastAPI.
  uvicorn: 'uvicorn python3-fastapi python3-httpx',
  pgbouncer: 'pgbouncer',
  'nats-server': 'nats-server',
};

export default function requirePeers() {
  const missing = missingPrograms();
  if (missing.length === 0) return;
  if (process.env.CI === 'true' && process.getuid?.() === 0) install(missing);
  const still = missingPrograms();
  if (still.length === 0) return;
  const packages = still.map((program) => PACKAGES[program]).join(' ');
  throw new Error(`Missing: ${still.join(', ')}. On Debian: apt-get install ${packages}`);
}

function missingPrograms() {
  return Object.keys(PACKAGES).filter((program) => spawnSync('which', [program]).status !== 0);
}

/** @param {readonly string[]} programs */
function install(programs) {
  const packages = [...new Set(programs.flatMap((program) => PACKAGES[program]?.split(' ') ?? []))];
  run('apt-get', ['update', '-q']);
  run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages]);
}

/** @param {string} command @param {readonly string[]} args */
function run(command, args) {
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) requirePeers();
