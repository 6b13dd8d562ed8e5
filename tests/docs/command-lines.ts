import { everyCommand, quietProgram } from './reference/commands.ts';

/** The arguments of each `windrow` command in a text with shell commands. */
export function commandLines(text: string): string[][] {
  const found = text
    .replaceAll(/\\\n\s*/g, ' ')
    .matchAll(/(?:npx windrow|docker compose run --rm cli)[ \t]+([^\n]*)/g);
  return [...found].map(([, rest = '']) => argumentsOf(rest));
}

/** The words of a command line up to the end of the command; quotes are taken off. */
function argumentsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/"[^"]*"|'[^']*'|#.*|&&|[|;)]|[^\s|;)]+/g)) {
    if (/^(#|&&$|[|;)]$)/.test(word)) break;
    words.push(word.replaceAll(/^["']|["']$/g, ''));
  }
  return words;
}

/**
 * Parses arguments as the command does, and runs nothing.
 * @throws CommanderError for an unknown command or option, a missing argument, a value that an option doesn't take
 */
export async function parseArguments(words: readonly string[]): Promise<void> {
  const program = quietProgram();
  for (const { command } of everyCommand(program)) {
    command.exitOverride();
    if (command.commands.length === 0 || command.name() === 'replay' || command.name() === 'streams')
      command.action(() => undefined);
  }
  await program.parseAsync(words, { from: 'user' });
}
