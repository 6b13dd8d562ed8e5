import type { WriteKey } from '@windrow/contracts';
import type { KeyStore } from '@windrow/operations/keys';
import Table from 'cli-table3';
import { InvalidArgumentError } from 'commander';
import { type AddCommand, type CommandContext, printJson } from '../context.ts';
import { installationEnvironment } from '../environment.ts';
import { count, plainTable } from '../tables.ts';
import { positiveInteger, positiveNumber } from './arguments.ts';

interface AddOptions {
  source: string;
  streams?: string[];
  rate?: number;
  daily?: number;
  json?: true;
}

export const addKeysCommand: AddCommand = (program, context) => {
  const keys = program
    .command('keys')
    .description('manage the write keys of the sources that send events over HTTP');
  keys
    .command('add')
    .description('create a key and print it; the key is not stored, so it cannot be shown again')
    .requiredOption(
      '--source <name>',
      'the name of the sender; warnings are counted by this name',
      sourceName,
    )
    .option('--streams <names>', 'the streams that it may send to, separated by commas; default: all', names)
    .option('--rate <events>', 'events per second that each producer accepts', positiveNumber)
    .option('--daily <events>', 'events per day (UTC) that all producers together accept', positiveInteger)
    .option('--json', 'print it as JSON, with its id')
    .addHelpText(
      'after',
      `
Examples:
  $ npx windrow keys add --source web --streams track --rate 500
  $ WRITE_KEY=$(npx windrow keys add --source app --daily 1000000)`,
    )
    .action((options: AddOptions) => withStore(context, (store) => add(context, store, options)));
  keys
    .command('list')
    .description('list the keys by id, with source, limits and state, without the keys themselves')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  $ npx windrow keys list')
    .action((options: { json?: true }) => withStore(context, (store) => list(context, store, options)));
  keys
    .command('revoke')
    .description('reject a key from now on; running producers apply it within seconds')
    .argument('<id>', 'the id of the key, from windrow keys list')
    .addHelpText('after', '\nExample:\n  $ npx windrow keys revoke 3f0a62c1d9e4')
    .action((id: string) => withStore(context, (store) => revoke(context, store, id)));
};

async function withStore(context: CommandContext, use: (store: KeyStore) => Promise<void>): Promise<void> {
  const env = installationEnvironment(context.env, context.stateDir);
  const { openKeyStore } = await import('@windrow/operations/keys');
  const { store, close } = openKeyStore(env);
  try {
    await use(store);
  } finally {
    await close();
  }
}

async function add(context: CommandContext, store: KeyStore, options: AddOptions): Promise<void> {
  const { loadStreams, streamNamed } = await import('@windrow/contracts');
  const contracts = await loadStreams();
  for (const name of options.streams ?? []) streamNamed(contracts, name);
  const { key, record } = await store.add({
    source: options.source,
    streams: options.streams ?? null,
    events_per_second: options.rate ?? null,
    events_per_day: options.daily ?? null,
  });
  if (options.json) return printJson(context, { key, ...shown(record) });
  context.note(`write key ${record.id} of ${record.source}; keep it, it is not shown again:`);
  context.print(key);
}

async function list(context: CommandContext, store: KeyStore, { json }: { json?: true }): Promise<void> {
  const records = await store.list();
  if (json) return printJson(context, records.map(shown));
  const head = ['id', 'source', 'begins', 'streams', 'events/s', 'events/day', 'made', 'revoked'];
  const table = new Table(plainTable(head, [4, 5]));
  const limit = (events: number | null) => (events === null ? '' : count(events));
  const time = (ms: number | null) =>
    ms === null ? '' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  for (const record of records) {
    const { id, source, prefix, streams, events_per_second, events_per_day } = record;
    const limits = [limit(events_per_second), limit(events_per_day)];
    const times = [time(record.created_at), time(record.revoked_at)];
    table.push([id, source, `${prefix}…`, streams?.join(', ') ?? 'all', ...limits, ...times]);
  }
  context.print(table.toString());
}

async function revoke({ print }: CommandContext, store: KeyStore, id: string): Promise<void> {
  const { source, revoked_at } = await store.revoke(id);
  print(`write key ${id} of ${source} is revoked since ${new Date(revoked_at ?? 0).toISOString()}`);
}

/** A key without its digest, which users do not need. */
function shown({ sha256: _, ...record }: WriteKey) {
  return record;
}

function sourceName(text: string): string {
  // Warnings about requests without a key are counted under the source `none`.
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(text) && text !== 'none') return text;
  throw new InvalidArgumentError(
    'It must have 1 to 64 letters, digits, dots, dashes or underscores, begin with a letter or digit, and not be "none".',
  );
}

function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.every((name) => name !== '')) return list;
  throw new InvalidArgumentError('It must be a list of streams such as track,weather.');
}
