import { execFileSync } from 'node:child_process';

/** @returns {string | undefined} what a command prints, including standard error; undefined when it fails or is not there */
export function probe(command, args) {
  try {
    const quoted = [command, ...args].map((word) => `'${word}'`).join(' ');
    return execFileSync('/bin/sh', ['-c', `${quoted} 2>&1`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
}
