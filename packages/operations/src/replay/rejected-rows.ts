import { AvroCodec, landedSchema } from '@windrow/contracts';
import { Enrichment } from '@windrow/enrichment';
import { DeadLetters, type RejectedRecord } from '@windrow/pipeline';
import type { RejectedRow } from '@windrow/postgres';
import { failpoint, WindrowError } from '@windrow/runtime';
import packageJson from '../../package.json' with { type: 'json' };
import { OffsetRanges } from './offset-ranges.ts';
import type { ReplayPlan } from './plan.ts';
import { readRawEvents, sourcesOf } from './raw-events.ts';
import type { ReplayedStream, Session } from './session.ts';
import { enriched } from './stage.ts';

interface Sending {
  session: Session;
  stream: ReplayedStream;
  plan: ReplayPlan;
  signal: AbortSignal;
}

/**
 * Sends a dead letter for each event whose row Postgres has rejected, like the sink's: with the bytes of the enriched record.
 * For an event that the sink or an earlier replay has rejected, the topic has one already, and none is sent.
 * @throws WindrowError of Kafka, the registry or S3; the signal's reason
 */
export async function sendRejectedRows(rows: readonly RejectedRow[], sending: Sending): Promise<void> {
  const { session, stream, signal } = sending;
  const { broker, registry } = session.installation;
  const records = await rejectedRecords(rows, sending);
  const deadLetters = new DeadLetters({
    // The sink's name: by it, the dead letters that are in the topic are found.
    ...{
      broker,
      registry,
      groupId: 'replay-postgres',
      service: 'postgres-sink',
      version: packageJson.version,
    },
  });
  try {
    await failpoint('replay.deadLetters.beforeSend');
    await deadLetters.send({ stream: stream.contract.name, topic: stream.enrichedTopic }, records, signal);
    await failpoint('replay.deadLetters.afterSend');
  } finally {
    await deadLetters.close();
  }
}

/** Reads the events again and runs their steps, because the stage has only the columns of Postgres. */
async function rejectedRecords(
  rows: readonly RejectedRow[],
  { session: { installation }, stream, plan, signal }: Sending,
): Promise<RejectedRecord[]> {
  const { contract, contracts, enrichedTopic } = stream;
  const { broker, registry } = installation;
  const schema = landedSchema(contract, contracts);
  const codec = new AvroCodec(schema, registry);
  const schemaId = await registry.register(enrichedTopic, schema);
  const byPlace = new Map(rows.map((row) => [`${row.partition}/${row.rawOffset}`, row]));
  const offsets = new Map<number, number[]>();
  for (const { partition, rawOffset } of rows)
    offsets.set(partition, [...(offsets.get(partition) ?? []), rawOffset]);
  const ranges = OffsetRanges.ofOffsets(offsets);
  const records: RejectedRecord[] = [];
  const enrichment = await Enrichment.open({ contract, contracts, broker, registry });
  try {
    await enrichment.current(signal);
    await readRawEvents(await sourcesOf(installation, contract, ranges, plan.raw, plan.accepted), {
      ...{ installation, contract, raw: plan.raw, signal },
      async onEvents(partition, outcomes) {
        for (const raw of outcomes) {
          const { input, ...outcome } = enriched(raw, enrichment);
          const row = byPlace.get(`${partition}/${input.offset}`);
          const accepted = plan.accepted.at(partition, input.offset);
          if (!row || !accepted) continue;
          const { reason, message } = row;
          const value = outcome.kind === 'ok' ? codec.encode(outcome.record, schemaId) : input.value;
          const { landedOffset: offset, ingestedAtMs: timestampMs } = accepted;
          const { key, headers } = input;
          const record = { offset, timestampMs, key, value, headers };
          records.push({
            ...{ kind: 'deadLetter', stage: 'postgres', reason, message, schemaId, partition, input: record },
          });
        }
      },
    });
  } finally {
    await enrichment.close();
  }
  if (records.length === byPlace.size) return records;
  const message = `${byPlace.size - records.length} events that Postgres has rejected were missing when they were read again for their dead letters`;
  throw new WindrowError('REPLAY_IMPOSSIBLE', message);
}
