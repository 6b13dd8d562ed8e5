import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditFacts, Installation } from '@windrow/operations';
import { collectFacts, judge } from '@windrow/operations/audit';
import { askLakeFiles, askPostgres, countTableRows } from '@windrow/operations/demo';
import { openInstallation } from '@windrow/operations/installation';
import { waitForLanding } from '@windrow/operations/landing';
import { assertLoaded } from '@windrow/operations/load';
import { hideUrlPasswords, Teardown } from '@windrow/runtime';
import { addressOf, servicesStatus } from '@windrow/stack';
import type { CommandContext } from '../context.ts';
import { shownLoad } from '../load/shown-load.ts';
import { Phases } from './phases.ts';
import { startPlatform } from './platform.ts';
import { type DemoResult, describeDemo, type Outcome, succeeded } from './screen.ts';

const data = fileURLToPath(new URL('../../../../examples/flights-2013-01/', import.meta.url));

/** Weather first: an event is joined only with weather that was loaded before it. */
const loads = [
  {
    stream: 'weather',
    file: path.join(data, 'weather.jsonl.gz'),
    what: 'the hourly weather at three airports',
  },
  {
    stream: 'track',
    file: path.join(data, 'track_events.jsonl.gz'),
    what: 'every departure of January 2013',
  },
];

/**
 * Starts the local stack and the services, loads the examples, audits them, and queries Postgres and the lake. It ignores other
 * installations that the environment names. It stops whatever it has started; with `keep`, only if it fails or is interrupted.
 * @returns whether both queries have the same result and the audit succeeds
 */
export async function runDemo(context: CommandContext, { keep }: { keep: boolean }): Promise<boolean> {
  const { env, stateDir, note, signal } = context;
  const started = new Teardown();
  const phases = new Phases(note, signal);
  let stays = false;
  try {
    const platform = await startPlatform({ stateDir, env, keep, phases, note, teardown: started });
    const installation = await openInstallation(platform);
    try {
      const result = await ask(installation, platform, context, phases);
      context.print(describeDemo(result));
      stays = keep;
      return succeeded(result);
    } finally {
      await installation.close();
    }
  } finally {
    if (!stays) await started.run();
  }
}

async function ask(
  installation: Installation,
  env: NodeJS.ProcessEnv,
  context: CommandContext,
  phases: Phases,
): Promise<DemoResult> {
  const { signal, stateDir } = context;
  const before = await collectFacts(installation, { signal });
  for (const { stream, file, what } of loads) {
    await phases.run(`load ${stream}`, `loading ${what}`, async () => {
      const result = await shownLoad(context, env, { stream, sources: [file] });
      signal.throwIfAborted();
      assertLoaded(result);
    });
  }
  await phases.run('wait', 'waiting until all events are committed to the lake and Postgres', () =>
    waitForLanding(installation, { signal }),
  );
  const facts = await phases.run('audit', 'auditing', () => collectFacts(installation, { signal }));
  return phases.run('answer', 'querying Postgres and the lake', async () => ({
    outcomes: outcomesOf(before, facts),
    audit: judge(facts),
    postgresRows: await countTableRows(installation),
    postgres: await askPostgres(installation),
    lakeFiles: await askLakeFiles(installation),
    phases: phases.all,
    addresses: addressesOf(env, stateDir),
  }));
}

/** The outcomes of the events that were sent between the two audits. */
function outcomesOf(before: AuditFacts, after: AuditFacts): Outcome[] {
  return after.streams.map(({ stream, accounts }) => {
    const earlier = before.streams.find((candidate) => candidate.stream === stream)?.accounts ?? [];
    const now = accounts.slice(earlier.length);
    const sum = (of: (account: (typeof now)[number]) => number) =>
      now.reduce((total, account) => total + of(account), 0);
    return {
      stream,
      accepted: sum(({ consumed }) => consumed),
      passed: sum(({ accepted }) => accepted),
      rejected: sum(({ rejected }) => Object.values(rejected).reduce((total, events) => total + events, 0)),
      duplicates: sum(({ duplicates }) => duplicates),
    };
  });
}

function addressesOf(env: NodeJS.ProcessEnv, stateDir: string): { name: string; address: string }[] {
  const producer = servicesStatus(stateDir).services.find(({ name }) => name === 'producer');
  const addresses = [
    ...(producer ? [{ name: 'HTTP', address: `${addressOf(producer, 'http')}/v1/track` }] : []),
    { name: 'Kafka', address: env.KAFKA_BROKERS },
    { name: 'registry', address: env.SCHEMA_REGISTRY_URL },
    { name: 'lake', address: env.S3_ENDPOINT && `${env.S3_ENDPOINT}/${env.LAKE_BUCKET}` },
    { name: 'Postgres', address: env.DATABASE_URL && hideUrlPasswords(env.DATABASE_URL) },
    { name: 'Prometheus', address: env.PROMETHEUS_URL },
  ];
  return addresses.filter((entry): entry is { name: string; address: string } => entry.address !== undefined);
}
