import { AvroCodec, AvroRegistry, enrichedSchema, loadStreams } from '@windrow/contracts';
import { applyStreams } from '@windrow/pipeline';
import { Database } from '@windrow/postgres';
import { createDatabase } from '@windrow/postgres/testing';
import { createRegistry } from '@windrow/runtime';
import { describeDestination, padding } from '@windrow/sink/testing';
import { inject, onTestFinished } from 'vitest';
import { trackEvent, withOwnTopics } from '../fixtures/events.ts';
import { FaultyProxy } from '../fixtures/faulty-proxy.ts';
import { feedsOf } from './feeds.ts';
import { sinkMetrics } from './metrics.ts';
import { PostgresDestination } from './postgres-destination.ts';

const partitions = 2;

describeDestination('Postgres', async (broker) => {
  const { DATABASE_URL, SCHEMA_REGISTRY_URL } = inject('endpoints');
  const contracts = withOwnTopics(await loadStreams());
  const registry = new AvroRegistry(SCHEMA_REGISTRY_URL);
  const { schemaIds } = await applyStreams(contracts, { broker, registry, partitions });
  const database = await createDatabase(DATABASE_URL, contracts);
  onTestFinished(() => database.drop());
  const proxy = await FaultyProxy.to(database.url);
  onTestFinished(() => proxy.close());
  const feed = feedsOf(contracts, registry).find(({ stream }) => stream === 'track');
  const track = contracts.find(({ name }) => name === 'track');
  if (!feed || !track) throw new Error('there is no stream track');
  const { topic } = feed;
  const codec = new AvroCodec(enrichedSchema(track, contracts), registry);
  const encode = (event_id: string, properties: string) =>
    codec.encode(trackEvent(contracts, { event_id, properties }), schemaIds.get(topic) ?? 0);
  let faults = 0;
  return {
    intake: 'records',
    open: async () => {
      const reachability = { away: () => undefined, back: () => undefined };
      const connections = new Database({ url: proxy.url, connections: 2, reachability });
      onTestFinished(() => connections.close());
      const metrics = sinkMetrics(createRegistry('postgres-sink'));
      return new PostgresDestination({ feed, database: connections, lanes: 1, metrics });
    },
    ...{ topic, partitions, registry },
    encode: (id) => encode(id, JSON.stringify({ padding: padding(id) })),
    poison: () => encode('poison', '{"unclosed":'),
    ids: async () => {
      // The key removes duplicate rows, but the aggregate and the ledger would count them.
      const [found] = await database.sql<{ ids: string[]; windowed: number; counted: number }>(
        `SELECT (SELECT coalesce(array_agg(event_id), '{}') FROM curated.track_event) AS ids,
           (SELECT coalesce(sum(events), 0)::int FROM curated.city_window) AS windowed,
           (SELECT coalesce(sum(rows), 0)::int FROM windrow.sink_offset) AS counted`,
      );
      const { ids = [], windowed, counted } = found ?? {};
      if (windowed !== ids.length || counted !== ids.length)
        throw new Error(`${ids.length} rows, ${windowed} in windows, ${counted} in the ledger`);
      return ids;
    },
    ledger: async () => {
      const lines = await database.sql<{ partition: number; next: number }>(
        'SELECT partition, next_offset::int AS next FROM windrow.sink_offset WHERE topic = $1',
        [topic],
      );
      return new Map(lines.map(({ partition, next }) => [partition, next]));
    },
    loseAnswer: () => {
      proxy.faults.push('after commit');
      faults += 1;
    },
    answersLost: () => faults - proxy.faults.length,
  };
});
