import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

export interface Stage {
  from: string;
  copies: { from: string | undefined; sources: string[]; to: string }[];
  runs: string[];
  environment: Record<string, string>;
  user: string | undefined;
  /** ENTRYPOINT and CMD, as one command. */
  command: string[];
  exposes: number[];
}

/**
 * Reads the part of the Dockerfile language that this repository uses.
 * @throws Error for an instruction that it doesn't know, so that none is passed over in silence.
 */
export function readDockerfile(file: string): Stage[] {
  const lines = readFileSync(file, 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Stage[] = [];
  for (const line of lines) {
    const [instruction = '', ...words] = line.trim().split(/\s+/);
    const rest = line.trim().slice(instruction.length).trim();
    if (instruction === 'FROM') {
      stages.push({
        from: words[0] ?? '',
        copies: [],
        runs: [],
        environment: {},
        user: undefined,
        command: [],
        exposes: [],
      });
      continue;
    }
    const stage = stages.at(-1);
    if (!stage) throw new Error(`${file}: ${instruction} before FROM`);
    if (instruction === 'COPY') {
      const flag = words[0]?.startsWith('--from=') ? words.shift() : undefined;
      stage.copies.push({
        from: flag?.slice('--from='.length),
        sources: words.slice(0, -1),
        to: words.at(-1) ?? '',
      });
    } else if (instruction === 'RUN') stage.runs.push(rest.replace(/^(--mount=\S+\s+)+/, ''));
    else if (instruction === 'ENV')
      for (const word of words) {
        const [name = '', ...value] = word.split('=');
        stage.environment[name] = value.join('=');
      }
    else if (instruction === 'USER') stage.user = rest;
    else if (instruction === 'EXPOSE') stage.exposes.push(...words.map(Number));
    else if (instruction === 'CMD' || instruction === 'ENTRYPOINT')
      stage.command.push(...(JSON.parse(rest) as string[]));
    else if (instruction !== 'WORKDIR' && instruction !== 'HEALTHCHECK')
      throw new Error(`${file}: ${instruction} is not understood`);
  }
  return stages;
}

/** Copies what `.dockerignore` lets pass, as a stage's COPY would; the last rule that fits a path decides. */
export function copyFromContext(context: string, copy: Stage['copies'][number], target: string): void {
  const rules = readFileSync(path.join(context, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({
      keep: line.startsWith('!'),
      pattern: line.replace(/^!/, '').replace(/\/$/, ''),
    }));
  const kept = (file: string) => {
    const names = file.split('/');
    const withParents = names.map((_, index) => names.slice(0, index + 1).join('/'));
    return (
      rules.findLast(({ pattern }) => withParents.some((part) => path.matchesGlob(part, pattern)))?.keep ??
      true
    );
  };
  for (const source of copy.sources) {
    const into = path.join(target, copy.to);
    const directory = statSync(path.join(context, source)).isDirectory();
    const files = directory
      ? readdirSync(path.join(context, source), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => path.relative(context, path.join(entry.parentPath, entry.name)))
      : [source];
    for (const file of files.filter(kept)) {
      const place = directory ? path.relative(source, file) : path.basename(file);
      mkdirSync(path.dirname(path.join(into, place)), { recursive: true });
      cpSync(path.join(context, file), path.join(into, place));
    }
  }
}
