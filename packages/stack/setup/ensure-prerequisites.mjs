import { findMissing } from './prerequisites.mjs';
import { CommandFailed, run } from './run.mjs';
import { aptInstall, choosePackages, explain, mayInstall, thisSystem } from './system-packages.mjs';

// On a new machine the system's own updates may be running; apt-get then waits until they have finished.
const waitForOthers = ['-o', 'DPkg::Lock::Timeout=300'];
const withoutQuestions = { DEBIAN_FRONTEND: 'noninteractive' };

/** A fresh container or chroot has no lists of packages yet. */
export function updatePackageLists(logFile) {
  return run('apt-get', ['update'], { logFile, env: withoutQuestions });
}

async function installWithApt(missing, logFile) {
  const names = missing.map(({ name, reason }) => `  - ${name}: ${reason}`).join('\n');
  console.log(`Missing on this machine, to be installed now:\n${names}`);
  await updatePackageLists(logFile);
  const { packages } = choosePackages(missing, 'apt');
  if (packages.length === 0) return;
  console.log(`  … apt-get install ${packages.join(' ')} (log: ${logFile})`);
  const begunMs = performance.now();
  await run('apt-get', [...waitForOthers, ...aptInstall(packages)], { logFile, env: withoutQuestions });
  console.log(`  ✔ installed (${((performance.now() - begunMs) / 1000).toFixed(1)} s)`);
}

/**
 * Installs the system packages that are missing where set-up may do so, and otherwise prints the command that installs them.
 * @returns {Promise<boolean>} whether everything is installed now
 */
export async function ensurePrerequisites({ forTests, logFile }) {
  const system = thisSystem();
  let missing = findMissing({ forTests });
  if (missing.length > 0 && mayInstall(system)) {
    try {
      await installWithApt(missing, logFile);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      console.error(`  ✘ ${error.message}\n\n${error.logEnd}\n\nThe whole log: ${logFile}`);
    }
    missing = findMissing({ forTests });
  }
  if (missing.length > 0) console.error(explain(missing, system));
  return missing.length === 0;
}
