import { WindrowError } from '@windrow/runtime';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { installationEnvironment } from '../environment.ts';

export const addAuditCommand: AddCommand = (program, context) => {
  program
    .command('audit')
    .description(
      'compare events received with rows stored, for each partition; exit 1 if a line does not add up',
    )
    .option('--deep', 'also read the topics and tables: count the rows and compare the event ids')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
consumed = accepted + duplicates + deletions + dropped + dead-lettered; accepted = rows in the lake = rows in Postgres. Events that are not
stored yet make a line "behind": run windrow wait first.

Example:
  $ npx windrow wait && npx windrow audit --deep`,
    )
    .action((options: { deep?: true; json?: true }) => audit(context, options));
};

async function audit(context: CommandContext, { deep, json }: { deep?: true; json?: true }): Promise<void> {
  const { openInstallation } = await import('@windrow/operations/installation');
  const { collectFacts, judge } = await import('@windrow/operations/audit');
  const { describeAudit, verdictOf } = await import('../audit/describe.ts');
  const installation = await openInstallation(installationEnvironment(context.env, context.stateDir));
  try {
    const facts = await collectFacts(installation, { deep: deep ?? false, signal: context.signal });
    const result = judge(facts);
    if (json) printJson(context, result);
    else context.print(describeAudit(result));
    if (!result.addsUp) throw new WindrowError('AUDIT_FAILED', verdictOf(result));
  } finally {
    await installation.close();
  }
}
