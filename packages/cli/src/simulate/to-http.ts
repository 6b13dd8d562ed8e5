import { ProducerClient, type ProducerClientOptions, type Rejection } from '../producer-client.ts';
import { segmentMessage } from './segment-message.ts';
import type { Sink } from './sink.ts';
import type { Delivery, TrackDelivery } from './timeline.ts';

/** As in Segment's SDKs. So many messages stay far below the limit of 500 KB for a batch. */
const maxRequestMessages = 100;
const connections = 8;

/** Sends through the producer's HTTP API, over several connections. A rider's messages use one connection, in order. */
export function openHttpSink(options: ProducerClientOptions): Sink {
  const client = new ProducerClient(options);
  /** Connection → its last request. */
  const last = new Map<number, Promise<unknown>>();
  let weatherPosted: Promise<unknown> = Promise.resolve();

  const postAfter = (before: Promise<unknown>, path: string, body: unknown): Promise<Rejection[]> => {
    const posted = before.then(() => client.post(path, body));
    // A failure ends the simulation. Requests that wait behind it are not sent, and reject with the same error.
    posted.catch(() => undefined);
    return posted;
  };

  const weather = (batch: readonly Delivery[]): Promise<Rejection[]> => {
    const body = batch.flatMap((delivery) =>
      delivery.stream === 'weather'
        ? [{ ...delivery.observation, observed_at: new Date(delivery.observation.observed_at).toISOString() }]
        : [],
    );
    const posted = postAfter(Promise.all([weatherPosted, ...last.values()]), '/v1/weather', body);
    // Later events of all connections wait for it, because they are joined with it.
    weatherPosted = posted;
    last.clear();
    return posted;
  };

  const track = async (batch: readonly TrackDelivery[]): Promise<Rejection[]> => {
    const posts: Promise<Rejection[]>[] = [];
    for (const [connection, deliveries] of Map.groupBy(batch, connectionOf)) {
      for (const chunk of chunks(deliveries.map(messageOf))) {
        const posted = postAfter(last.get(connection) ?? weatherPosted, '/v1/batch', { batch: chunk });
        last.set(connection, posted);
        posts.push(posted);
      }
    }
    return (await Promise.all(posts)).flat();
  };

  return {
    send: (batch) =>
      batch[0]?.stream === 'weather' ? weather(batch) : track(batch.filter((one) => one.stream === 'track')),
    close: async () => undefined,
  };
}

function messageOf({ event, breakage }: TrackDelivery): unknown {
  if (breakage === 'unreadable') return 'not a message';
  const message = segmentMessage(event);
  if (breakage === 'type') return { ...message, type: 'unknown' };
  if (breakage === 'person') return { ...message, userId: null, anonymousId: null };
  return message;
}

/** By the end of the phone's id, which distributes riders evenly enough. */
function connectionOf({ event }: TrackDelivery): number {
  return Number.parseInt(event.anonymousId.slice(-4), 16) % connections;
}

function chunks<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / maxRequestMessages);
  return Array.from({ length: count }, (_, chunk) =>
    items.slice(chunk * maxRequestMessages, (chunk + 1) * maxRequestMessages),
  );
}
