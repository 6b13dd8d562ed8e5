import { type ConfigEntry, describeConfig, environmentNames } from '@windrow/runtime';
import { services } from '@windrow/stack';
import { code, page, table } from './page.ts';

export async function configurationPage(): Promise<string> {
  const sections = await Promise.all(
    services.map(async ({ name, config }) => {
      const schema = await config();
      const fromFile = new Set(environmentNames(schema).filter((variable) => variable.endsWith('_FILE')));
      return `## ${name}\n\n${table(
        ['variable', 'default', 'meaning'],
        describeConfig(schema).map((entry) => [
          code(entry.name),
          defaultOf(entry),
          entry.description +
            (fromFile.has(`${entry.name}_FILE`) ? ` (or a file: \`${entry.name}_FILE\`)` : ''),
        ]),
      )}`;
    }),
  );
  return page(
    'Configuration',
    'Each service reads environment variables, and nothing else. An invalid configuration stops the service at its start: ' +
      'the error lists every invalid variable at once. `npx windrow config` shows the values in effect, with secrets hidden. ' +
      'A variable without a default is required, unless it is marked as optional.',
    sections,
  );
}

function defaultOf({ default: value, required }: ConfigEntry): string {
  if (value !== undefined) return code(value);
  return required ? '' : 'optional';
}
