import { addressOf, type ServiceRecord } from './record.ts';

const answerWithinMs = 2_000;

export interface Health {
  ready: boolean;
  /** Why it is not. */
  reasons: string[];
}

/** The response of the service's `/ready`. Without a response it is not ready. */
export async function askReady(service: Pick<ServiceRecord, 'ports'>): Promise<Health> {
  const url = `${addressOf(service)}/ready`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) });
    const { ready, reasons } = (await response.json()) as { ready: boolean; reasons: Record<string, string> };
    return { ready, reasons: Object.values(reasons) };
  } catch {
    return { ready: false, reasons: [`${url} does not answer`] };
  }
}

/** The consumer lag, summed over the service's partitions; undefined if it reports none. */
export async function askLag(service: Pick<ServiceRecord, 'ports'>): Promise<number | undefined> {
  try {
    const response = await fetch(`${addressOf(service)}/metrics`, {
      signal: AbortSignal.timeout(answerWithinMs),
    });
    return sumOf('windrow_consumer_lag', await response.text());
  } catch {
    return undefined;
  }
}

/** The sum of a metric's series in Prometheus' text format; undefined if there are none. */
export function sumOf(metric: string, text: string): number | undefined {
  let sum: number | undefined;
  for (const line of text.split('\n')) {
    const value = new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)`).exec(line)?.[1];
    if (value !== undefined) sum = (sum ?? 0) + Number(value);
  }
  return sum;
}
