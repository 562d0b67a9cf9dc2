/**
 * `npm run pack`: the release as one archive that starts without a build, `patient-sync-<version>.tgz` in the current folder.
 *
 * It contains the files that `files` in package.json lists, the notices of everything bundled in them, and the locked
 * versions of what it installs (npm-shrinkwrap.json, because npm leaves package-lock.json out of archives). Its
 * package.json has neither build tools nor scripts that need them.
 *
 * Not here: the build itself (`npm run build` runs before), and the packages of packaging/ that applications install.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const Manifest = z.looseObject({
  files: z.array(z.string()),
  scripts: z.record(z.string(), z.string()),
});

const Locked = z.looseObject({ dev: z.boolean().optional(), link: z.boolean().optional() });
const Lock = z.looseObject({ packages: z.record(z.string(), Locked) });

/** Scripts that need only what the archive contains. */
const runsBuilt = (script: string): boolean => script.includes('bin/patient-sync.js');

function releaseManifest(text: string): z.infer<typeof Manifest> {
  const manifest = Manifest.parse(JSON.parse(text));
  const scripts = Object.entries(manifest.scripts).filter(([, script]) => runsBuilt(script));
  const { devDependencies, workspaces, ...shipped } = manifest;
  return { ...shipped, scripts: Object.fromEntries(scripts) };
}

/** The lock of the repository without development packages and without the packages of the workspace. */
function releaseLock(text: string): z.infer<typeof Lock> {
  const lock = Lock.parse(JSON.parse(text));
  const { '': root = {}, ...others } = lock.packages;
  const { devDependencies, workspaces, ...shipped } = root;
  const installed = Object.entries(others).filter(
    ([path, { dev, link }]) => path.startsWith('node_modules/') && dev !== true && link !== true,
  );
  return { ...lock, packages: { '': shipped, ...Object.fromEntries(installed) } };
}

const toText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** @returns the path of the archive */
export function packRelease(destination: string): string {
  const staging = mkdtempSync(join(tmpdir(), 'patient-sync-release-'));
  try {
    const manifest = releaseManifest(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const lock = releaseLock(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    for (const part of manifest.files) {
      cpSync(join(ROOT, part), join(staging, part), { recursive: true });
    }
    const files = [...manifest.files, 'npm-shrinkwrap.json'];
    writeFileSync(join(staging, 'package.json'), toText({ ...manifest, files }));
    writeFileSync(join(staging, 'npm-shrinkwrap.json'), toText(lock));
    const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', destination], {
      cwd: staging,
      encoding: 'utf8',
    });
    return join(destination, packed.trim());
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(`${packRelease(process.cwd())}\n`);
