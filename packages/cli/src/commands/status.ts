import {
  type AskedStack,
  addressOf,
  askLag,
  askReady,
  askStack,
  type ServiceRecord,
  type ServicesStatus,
  servicesStatus,
} from '@windrow/stack';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { otherEndpoints } from '../environment.ts';
import { count } from '../tables.ts';
import { describeStack } from './stack.ts';

export const addStatusCommand: AddCommand = (program, context) => {
  program
    .command('status')
    .description(
      'show the parts and services: state, reason if not ready, consumer lag, address; exit 1 unless all are ready',
    )
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ npx windrow status')
    .action((options: { json?: true }) => status(context, options));
};

export interface ServiceStatus {
  name: string;
  /** From its supervisor's record; `crashed` if the supervisor has ended. */
  state: ServiceRecord['state'] | 'crashed';
  ready: boolean;
  /** Why it is not ready. */
  reasons: string[];
  restarts: number;
  /** Its consumer lag in records; null for a service that reads no topic or does not answer. */
  lag: number | null;
  address: string;
}

export interface InstallationStatus {
  stack: AskedStack;
  services: ServiceStatus[];
}

export async function installationStatus(stateDir: string): Promise<InstallationStatus> {
  const { services, state } = servicesStatus(stateDir);
  const [stack, ...asked] = await Promise.all([
    askStack(stateDir),
    ...services.map((service) => serviceStatus(service, state)),
  ]);
  return { stack, services: asked };
}

async function serviceStatus(record: ServiceRecord, state: ServicesStatus['state']): Promise<ServiceStatus> {
  const known = {
    name: record.name,
    state: state === 'crashed' ? state : record.state,
    restarts: record.restarts,
    address: addressOf(record),
  };
  if (known.state !== 'ready') {
    return { ...known, ready: false, reasons: record.failure ? [record.failure] : [], lag: null };
  }
  const [health, lag] = await Promise.all([askReady(record), askLag(record)]);
  return { ...known, ...health, lag: lag ?? null };
}

async function status(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const status = await installationStatus(context.stateDir);
  if (json) printJson(context, status);
  else for (const line of describe(status)) context.print(line);
  const other = otherEndpoints(context.env, context.stateDir);
  if (other !== undefined) context.note(other);
  const { stack, services } = status;
  if (stack.state !== 'ready' || services.length === 0 || services.some(({ ready }) => !ready)) {
    process.exitCode = 1;
  }
}

function describe({ stack, services }: InstallationStatus): string[] {
  const lines = services.map(({ name, state, ready, reasons, restarts, lag, address }) => {
    const condition = state === 'ready' && !ready ? 'not ready' : state;
    const behind = lag === null ? '' : ` lag ${count(lag)}`;
    const again = restarts === 0 ? '' : ` restarted ${restarts} times`;
    const why = reasons.map((reason) => `\n    ${reason}`).join('');
    return `  ${name.padEnd(14)} ${condition.padEnd(10)} ${address}${behind}${again}${why}`;
  });
  return [...describeStack(stack), `services:${lines.length === 0 ? ' none run' : ''}`, ...lines];
}
