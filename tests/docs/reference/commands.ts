import { createProgram } from '../../../packages/cli/src/program.ts';
import { page } from './page.ts';

type Program = ReturnType<typeof createProgram>;

/** The program without an environment, a terminal or output. */
export function quietProgram(): Program {
  return createProgram({
    env: {},
    stateDir: '/nowhere',
    signal: new AbortController().signal,
    print: () => undefined,
    note: () => undefined,
    interactive: false,
  });
}

/** Each command that can be run, with its full name (`lake restore`), in the order of the help text. */
export function everyCommand(program: Program): { name: string; command: Program }[] {
  const walk = (command: Program, parents: string[]): { name: string; command: Program }[] =>
    command.commands.flatMap((child) => {
      const name = [...parents, child.name()];
      return [{ name: name.join(' '), command: child }, ...walk(child, name)];
    });
  return walk(program, []);
}

/** The help text of a command as a terminal of 100 columns shows it, with its examples. */
export function helpOf(command: Program): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trim();
}

export function commandsPage(): string {
  const program = quietProgram();
  const section = (name: string, command: Program) =>
    `## windrow${name && ` ${name}`}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``;
  return page(
    'Commands',
    'The help texts of the command `windrow`, as `npx windrow COMMAND --help` prints them.',
    [section('', program), ...everyCommand(program).map(({ name, command }) => section(name, command))],
  );
}
