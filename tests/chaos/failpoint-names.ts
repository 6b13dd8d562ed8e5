import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const clone = fileURLToPath(new URL('../..', import.meta.url));

/** The steps of the Delta log's commits, which complete `lake.${made.step}.beforePut`. */
const commitSteps = ['claim', 'commit', 'compaction'];

/**
 * Only events that a store refuses come to the first, and this load has none; only a log of thirty days to the second; no service
 * to the third. Other tests crash there.
 */
const unreachable = ['.deadLetters.', '.expiry.', 'replay.'];

/**
 * Every failpoint that the load can reach, found in it: a list kept by hand would miss the next one.
 * @throws Error where a name is made in a way that this doesn't know
 */
export function failpointNames(): string[] {
  const names = new Set<string>();
  const files = globSync(['packages/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: clone });
  for (const file of files.filter((name) => !name.endsWith('.test.ts') && !name.includes('node_modules'))) {
    for (const [, , name = ''] of readFileSync(`${clone}/${file}`, 'utf8').matchAll(
      /failpoint\((['`])(.+?)\1\)/g,
    )) {
      for (const step of commitSteps) names.add(name.replace(`\${made.step}`, step));
      if (name.replace(`\${made.step}`, '').includes('${'))
        throw new Error(`${file}: failpoint ${name} is made of what?`);
    }
  }
  return [...names].filter((name) => !unreachable.some((part) => name.includes(part))).sort();
}
