// Asks the package registry for known vulnerabilities of our dependencies. Some mirrors do not support the request:
// then this reports it and CI continues, because a missing answer is no vulnerability.
// Judged are the packages that a release installs or contains: build tools never meet an address of others.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8' });
const report = JSON.parse(stdout || '{}');
const counts = report.metadata?.vulnerabilities;
if (counts === undefined) {
  say(`dependency audit: not available here (${report.error?.summary || report.message || 'no answer'})`);
} else {
  const known = Object.values(report.vulnerabilities).filter(({ nodes }) => nodes.some(isReleased));
  const grave = known.filter(({ severity }) => severity === 'high' || severity === 'critical').length;
  say(`dependency audit: ${grave} grave of ${known.length} known weaknesses`);
  process.exitCode = grave > 0 ? 1 : 0;
}

/** @param path such as `node_modules/hono` */
function isReleased(path) {
  const locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages[path];
  const notices = ['dist', 'web-client/dist'].map((folder) =>
    readFileSync(`${folder}/THIRD-PARTY-NOTICES.md`, 'utf8'),
  );
  const bundled = `## ${path.replace(/.*node_modules\//, '')} - ${locked?.version} `;
  return locked?.dev !== true || notices.some((text) => text.includes(bundled));
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
