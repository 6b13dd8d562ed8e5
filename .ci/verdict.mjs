// node verdict.mjs REPORT EXIT_CODE: prints `N passed, N failed` from vitest's JSON report and exits accordingly.
// What did not run has not passed: skipped and pending tests are failures, and so is a file that could not be loaded.

import { readFileSync } from 'node:fs';

const [reportFile, exitCode] = process.argv.slice(2);

function count() {
  let report;
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const passed = report.numPassedTests;
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  for (const file of unloadable) console.error(`could not be run: ${file.name}`);
  const notPassed = report.testResults.flatMap((file) =>
    file.assertionResults.filter((one) => one.status !== 'passed'),
  );
  for (const one of notPassed.filter((test) => test.status !== 'failed')) {
    console.error(`${one.status}: ${one.fullName}`);
  }
  const failed = notPassed.length + unloadable.length;
  // An error outside of any test, such as in the teardown, shows in the exit code alone.
  return { passed, failed: failed === 0 && (exitCode !== '0' || passed === 0) ? 1 : failed };
}

const { passed, failed } = count();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
