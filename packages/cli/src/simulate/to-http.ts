import { ProducerClient, type ProducerClientOptions, type Refusal } from '../producer-client.ts';
import { segmentMessage } from './segment-message.ts';
import type { Sink } from './sink.ts';
import type { Delivery, TrackDelivery } from './timeline.ts';

/** As Segment's SDKs do, at most this many messages in a batch; so many are far below the 500 KB that a batch may have. */
const maxRequestMessages = 100;
const connections = 8;

/** Through the producer's HTTP API, over several connections; all that is of one rider goes over the same one, in order. */
export function openHttpSink(options: ProducerClientOptions): Sink {
  const client = new ProducerClient(options);
  const lanes: Promise<unknown>[] = Array(connections).fill(Promise.resolve());

  const inLane = (lane: number, path: string, body: unknown): Promise<Refusal[]> => {
    const posted = lanes[lane]!.then(() => client.post(path, body));
    // After a failure the simulation ends; what still waits in the lane is not sent any more.
    lanes[lane] = posted;
    posted.catch(() => undefined);
    return posted;
  };

  const weather = async (batch: readonly Delivery[]): Promise<Refusal[]> => {
    const body = batch.map((delivery) =>
      delivery.stream === 'weather'
        ? { ...delivery.observation, observed_at: new Date(delivery.observation.observed_at).toISOString() }
        : null,
    );
    const posted = Promise.all(lanes).then(() => client.post('/v1/weather', body));
    posted.catch(() => undefined);
    // Events of all lanes wait for it: they are to be joined with it.
    lanes.fill(posted);
    return posted;
  };

  const track = async (batch: readonly TrackDelivery[]): Promise<Refusal[]> => {
    const byLane: unknown[][] = lanes.map(() => []);
    for (const delivery of batch) byLane[laneOf(delivery)]!.push(messageOf(delivery));
    const posts = byLane.flatMap((messages, lane) =>
      chunks(messages).map((chunk) => inLane(lane, '/v1/batch', { batch: chunk })),
    );
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
  if (breakage === 'place') {
    const context = message.context as { location: object };
    return { ...message, context: { ...context, location: { ...context.location, latitude: 200 } } };
  }
  return message;
}

/** By the end of the phone's id, which is even enough. */
function laneOf({ event }: TrackDelivery): number {
  return Number.parseInt(event.anonymousId.slice(-4), 16) % connections;
}

function chunks<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / maxRequestMessages);
  return Array.from({ length: count }, (_, chunk) =>
    items.slice(chunk * maxRequestMessages, (chunk + 1) * maxRequestMessages),
  );
}
