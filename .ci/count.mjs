// Sums the reports of the test runners: `N passed, N failed` on the last line. Exits 1 when anything failed or is missing.
import { readFileSync } from 'node:fs';

const [runFailed, ...reports] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const report of reports) {
  try {
    const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(report, 'utf8'));
    passed += numPassedTests;
    failed += numFailedTests;
    // A file that failed to load reports no failed tests.
    if (!success && numFailedTests === 0) failed += 1;
  } catch {
    process.stdout.write(`There is no report ${report}: its tests did not run.\n`);
    failed += 1;
  }
}
// Format, lint and types run before the tests and have no report.
if (runFailed !== '0' && failed === 0) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
