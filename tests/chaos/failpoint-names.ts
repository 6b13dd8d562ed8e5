import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const clone = fileURLToPath(new URL('../..', import.meta.url));

/** The steps of the Delta log's commits, for the template `lake.${made.step}.beforePut`. */
const commitSteps = ['claim', 'commit', 'compaction'];

/**
 * Failpoints that this load can't reach: the first needs events that a store rejects, the second a log of thirty days, and no
 * service passes the third. Other tests cover them.
 */
const unreachable = ['.deadLetters.', '.expiry.', 'replay.'];

/**
 * Finds every failpoint that the load can reach in the source, since a list kept by hand would miss new ones.
 * @throws Error if the code builds a failpoint's name in an unknown way
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
