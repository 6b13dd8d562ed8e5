import { WindrowError } from '@windrow/runtime';
import type { AddCommand, CommandContext } from '../context.ts';

export const addDemoCommand: AddCommand = (program, context) => {
  program
    .command('demo')
    .description(
      'start the stack and the services, load a month of flights and weather, and query the result',
    )
    .option('--keep', 'leave the stack and the services running')
    .addHelpText(
      'after',
      `
It uses the local stack of this clone. If that is already running, the demo uses it, with the events in it.

Example:
  $ npx windrow demo --keep`,
    )
    .action((options: { keep?: true }) => demo(context, options.keep ?? false));
};

async function demo(context: CommandContext, keep: boolean): Promise<void> {
  const { runDemo } = await import('../demo/run.ts');
  const succeeded = await runDemo(context, { keep });
  if (keep) {
    context.print(
      'The services are still running. Inspect them with: npx windrow status, npx windrow audit --deep',
    );
    context.print('Stop them with: npx windrow down && npx windrow stack down');
  }
  if (!succeeded) {
    throw new WindrowError(
      'AUDIT_FAILED',
      'the answers do not agree, or the audit does not add up: see above',
    );
  }
}
