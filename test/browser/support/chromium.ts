/**
 * A real Chromium for the browser tests, from npm where none is installed.
 *
 * On Linux it is the one of @sparticuz/chromium, with the system libraries of that package. The package unpacks 197 MB
 * into the temporary folder, keeps existing files there, even incomplete ones, and unpacks its libraries only when it
 * detects a Lambda. So a separate process unpacks into a separate folder, which then gets its final name in one step:
 * of two concurrent processes, neither sees an incomplete browser. Elsewhere an installed Chrome or Chromium is used.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { platform } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { z } from 'zod';

const run = promisify(execFile);
const CACHE = join(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/.cache/patient-sync');

export async function launchChromium(): Promise<Browser> {
  if (platform() === 'linux') return launchUnpacked(await unpackedFolder());
  return launchInstalled();
}

/** The package's own `args` ask for a single process, in which Chromium dies under load: `--no-sandbox` is enough. */
function launchUnpacked(folder: string): Promise<Browser> {
  const libraries = [join(folder, 'al2023/lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: ['--no-sandbox'],
    env: { ...process.env, LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(folder, 'fonts.conf') },
  });
}

async function launchInstalled(): Promise<Browser> {
  try {
    return await chromium.launch({ channel: 'chrome' });
  } catch (cause) {
    const executablePath = INSTALLED_CHROMIUM.find((path) => existsSync(path));
    if (executablePath !== undefined) return chromium.launch({ executablePath });
    throw new Error('The browser tests need Chrome or Chromium here: install one of them.', { cause });
  }
}

const INSTALLED_CHROMIUM = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/opt/homebrew/bin/chromium',
  'C:\\Program Files\\Chromium\\Application\\chrome.exe',
];

async function unpackedFolder(): Promise<string> {
  const folder = join(CACHE, `chromium-${packageVersion()}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const staging = await mkdtemp(join(CACHE, 'unpacking-'));
  await unpackInto(staging);
  try {
    await rename(staging, folder);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    // Another process was first: its folder is complete, because it was renamed in the same step.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

async function unpackInto(folder: string): Promise<void> {
  const script = `import chromium from '@sparticuz/chromium'; await chromium.executablePath();`;
  const env = { ...process.env, TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: 'nodejs20.x' };
  await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: CACHE, env });
  await writeFile(join(folder, 'fonts.conf'), FONTS);
}

/** The system's fonts, if any, and always those of the package: a browser without fonts draws no text. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

function packageVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const manifest: unknown = createRequire(import.meta.url)(join(dirname(entry), '../../package.json'));
  return z.object({ version: z.string() }).parse(manifest).version;
}
