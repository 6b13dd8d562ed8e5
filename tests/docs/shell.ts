import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './blocks.ts';

/** A shell in a folder, in which the blocks of a page are run one after the other: variables that one sets are there in the next. */
export class Shell {
  readonly #directory: string;
  readonly #env: Record<string, string>;
  readonly #bin: string;

  /** @param directory where the blocks are run; `bin` in it is for what stands in for `npx` and `curl` */
  constructor(directory: string, env: Record<string, string>) {
    this.#directory = directory;
    this.#env = env;
    this.#bin = path.join(directory, 'bin');
    mkdirSync(this.#bin, { recursive: true });
    // npx takes a second to find the command of this clone; curl takes an HTTP error for a success.
    this.#add('npx', `shift; exec "${process.execPath}" "${root}/packages/cli/bin/windrow.mjs" "$@"`);
    this.#add('curl', `PATH="\${PATH#*:}"; exec curl --fail-with-body "$@"`);
  }

  #add(name: string, script: string): void {
    const file = path.join(this.#bin, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** @returns the exit code and everything that was printed */
  run(page: string, text: string): Promise<{ code: number | null; output: string }> {
    const name = path.join(this.#directory, page.replaceAll(/\W/g, '-'));
    const [variables, script] = [`${name}.variables`, `${name}.sh`];
    const before = `set -aeuo pipefail\n[ ! -e "${variables}" ] || . "${variables}"`;
    // Those that the shell itself sets stay.
    const after = `declare -p | grep -E '^declare -[-x] [A-Za-z]' | grep -v '^declare -- BASH' > "${variables}"`;
    writeFileSync(script, `${before}\n${text}\n${after}\n`);
    const child = spawn('bash', [script], {
      cwd: this.#directory,
      env: { ...this.#env, PATH: `${this.#bin}:${process.env.PATH}`, HOME: this.#directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        output += part;
      });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, output }));
    });
  }
}
