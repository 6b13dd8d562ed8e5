import { openRawTopics, type RawEvent } from '@windrow/operations/raw-topics';
import type { Sink } from './sink.ts';
import type { Delivery, TrackDelivery } from './timeline.ts';
import { trackRecord } from './track-record.ts';

/**
 * Sends Avro records straight to the raw topics.
 * @throws WindrowError as openRawTopics
 */
export async function openKafkaSink(env: NodeJS.ProcessEnv): Promise<Sink> {
  const topics = await openRawTopics(env, ['track', 'weather']);
  return {
    async send(batch) {
      const [first] = batch;
      if (first) await topics.send(first.stream, batch.map(rawEvent));
      return [];
    },
    close: () => topics.close(),
  };
}

function rawEvent(delivery: Delivery): RawEvent {
  if (delivery.stream === 'weather') return { record: { ...delivery.observation } };
  const record = recordOf(delivery);
  if (delivery.breakage !== 'unreadable') return { record };
  const notAvro = { event: record.event_name, from: 'a producer that knows no Avro' };
  return { record, bytes: Buffer.from(JSON.stringify(notAvro)) };
}

function recordOf({ event, breakage }: TrackDelivery) {
  const record = trackRecord(event);
  if (breakage === 'person') return { ...record, user_id: null, anonymous_id: null };
  if (breakage === 'type') record.type = 'unknown';
  return record;
}
