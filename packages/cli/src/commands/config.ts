import type { ConfigEntry } from '@windrow/runtime';
import { describeConfig, loadConfig, WindrowError } from '@windrow/runtime';
import { loopbackSettings, type ServiceDefinition, serviceNames, services } from '@windrow/stack';
import { InvalidArgumentError } from 'commander';
import type { AddCommand, CommandContext } from '../context.ts';
import { printJson } from '../context.ts';
import { resolveEnvironment } from '../environment.ts';

export const addConfigCommand: AddCommand = (program, context) => {
  program
    .command('config')
    .description("show the services' configuration: values, defaults and errors; exit 1 if one is invalid")
    .argument('[service]', `one of ${serviceNames.join(', ')}; default: all`, (name: string) => {
      if (services.some((service) => service.name === name)) return name;
      throw new InvalidArgumentError(`It must be one of ${serviceNames.join(', ')}.`);
    })
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ npx windrow config lake-sink')
    .action((service: string | undefined, options: { json?: true }) => config(context, service, options));
};

export interface ServiceConfig {
  service: string;
  entries: ConfigEntry[];
  /** All errors of the configuration, or null. */
  faults: string | null;
}

async function config(
  context: CommandContext,
  name: string | undefined,
  { json }: { json?: true },
): Promise<void> {
  const { env, source } = resolveEnvironment(context.env, context.stateDir);
  const wanted = services.filter((service) => name === undefined || service.name === name);
  const configs = await Promise.all(
    wanted.map((service) => describeService(service, env, source === 'stack')),
  );
  if (json) printJson(context, configs);
  else for (const line of configs.flatMap(lines)) context.print(line);
  if (configs.some(({ faults }) => faults !== null)) process.exitCode = 1;
}

/** `onStack`: `windrow up` chooses the ports and settings that the environment leaves open. */
export async function describeService(
  { name, ports, config }: ServiceDefinition,
  env: NodeJS.ProcessEnv,
  onStack: boolean,
): Promise<ServiceConfig> {
  const schema = await config();
  const freePorts = ['ADMIN_PORT', ...ports.map(({ variable }) => variable)].map((of) => [of, '0']);
  const chosen = onStack ? { ...Object.fromEntries(freePorts), ...loopbackSettings(env) } : {};
  try {
    const loaded = loadConfig(schema, { ...chosen, ...env });
    return { service: name, entries: describeConfig(schema, loaded), faults: null };
  } catch (error) {
    if (!(error instanceof WindrowError)) throw error;
    return { service: name, entries: describeConfig(schema), faults: error.message };
  }
}

function lines({ service, entries, faults }: ServiceConfig): string[] {
  return [
    `${service}:`,
    ...entries.flatMap((entry) => {
      const value = entry.value ?? (entry.required ? '(not set)' : (entry.default ?? '(not set)'));
      const by = entry.default === undefined ? '' : ` (default ${entry.default})`;
      return [`  ${entry.name}=${value}`, `      ${entry.description}${by}`];
    }),
    ...(faults === null ? [] : [`  ${faults.replaceAll('\n', '\n  ')}`]),
    '',
  ];
}
