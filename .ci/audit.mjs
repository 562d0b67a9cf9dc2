// Known weaknesses of what we depend on, asked of the registry. Not every mirror answers that question: then it says so
// and lets CI go on, because a mirror that is silent is no weakness.
import { spawnSync } from 'node:child_process';

const { stdout } = spawnSync('npm', ['audit', '--json', '--omit=dev'], { encoding: 'utf8' });
const report = JSON.parse(stdout || '{}');
const counts = report.metadata?.vulnerabilities;
if (counts === undefined) {
  say(`dependency audit: not available here (${report.error?.summary || report.message || 'no answer'})`);
} else {
  const grave = counts.high + counts.critical;
  say(`dependency audit: ${grave} grave of ${counts.total} known weaknesses`);
  process.exitCode = grave > 0 ? 1 : 0;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
