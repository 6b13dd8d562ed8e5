import { addressOf, type ServiceRecord } from './record.ts';

const answerWithinMs = 2_000;

export interface Health {
  ready: boolean;
  /** Why it isn't, in words. */
  reasons: string[];
}

/** What the service's `/ready` says; no answer is a reason too. */
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

/** Records that the service has yet to read, over all its partitions; undefined where it doesn't say. */
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

/** The sum of a metric's series in Prometheus' text format; undefined without any. */
export function sumOf(metric: string, text: string): number | undefined {
  let sum: number | undefined;
  for (const line of text.split('\n')) {
    const value = new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)`).exec(line)?.[1];
    if (value !== undefined) sum = (sum ?? 0) + Number(value);
  }
  return sum;
}
