import http from 'node:http';
import { gunzipSync } from 'node:zlib';
import { Draw } from '../chaos/draw.ts';
import { drawRequest, type FuzzRequest } from './requests.ts';

export interface HttpCounts {
  requests: number;
  /** Status → number of requests; 0 if the connection ended without a response. */
  statuses: Map<number, number>;
  /** Messages by the result that the responses report. */
  accepted: number;
  deadLettered: number;
  /** Requests that were rejected as a whole, without a dead letter. */
  rejected: number;
  /** Invalid responses. */
  findings: string[];
}

const concurrency = 16;

/** Sends `requests` mutated requests, which are derived from the seed. */
export async function fuzzHttp(
  url: string,
  { seed, requests, signal }: { seed: number; requests: number; signal: AbortSignal },
  onProgress: (sent: number) => void = () => undefined,
): Promise<HttpCounts> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  const counts: HttpCounts = {
    requests: 0,
    statuses: new Map(),
    accepted: 0,
    deadLettered: 0,
    rejected: 0,
    findings: [],
  };
  let next = 0;
  const work = async () => {
    while (next < requests && !signal.aborted) {
      const number = next++;
      const request = drawRequest(new Draw(seed + number), `fuzz-${seed}-${number}`);
      const answer = await send(agent, url, request);
      count(counts, request, answer);
      onProgress(++counts.requests);
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, work));
  } finally {
    agent.destroy();
  }
  return counts;
}

interface Answer {
  status: number;
  body: string;
}

/**
 * Sends a request. If the server closes the kept-alive connection at that moment, nothing was accepted and it is sent again.
 */
async function send(agent: http.Agent, url: string, request: FuzzRequest): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await exchange(agent, url, request);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      const isClosed = code === 'ECONNRESET' || code === 'EPIPE';
      if (!isClosed || attempt === 3) return { status: 0, body: String(error) };
    }
  }
}

function exchange(
  agent: http.Agent,
  url: string,
  { method, path, headers, body }: FuzzRequest,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const base = new URL(url);
    const length = method === 'GET' || method === 'HEAD' ? undefined : { 'content-length': body.length };
    const request = http.request(
      { agent, host: base.hostname, port: base.port, method, path, headers: { ...headers, ...length } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(length ? body : undefined);
  });
}

function count(counts: HttpCounts, request: FuzzRequest, answer: Answer): void {
  const { status, body } = answer;
  counts.statuses.set(status, (counts.statuses.get(status) ?? 0) + 1);
  const told = toldBy(answer);
  if (typeof told === 'string') {
    const sent = `${request.method} ${request.path} ${request.body.subarray(0, 200).toString()}`;
    if (counts.findings.length < 20)
      counts.findings.push(`${told}: ${status} ${body.slice(0, 200)} to ${sent}`);
  } else if (request.method !== 'POST') counts.rejected += 1;
  else if (status === 200) counts.accepted += messagesOf(request);
  else if (status === 400 && told.errors) {
    counts.accepted += told.accepted ?? 0;
    counts.deadLettered += told.errors.length;
  } else counts.rejected += 1;
}

/** Parses the response; a text if it is invalid. */
function toldBy({ status, body }: Answer): { accepted?: number; errors?: unknown[] } | string {
  if (status === 0 || status >= 500) return 'no answer of the API';
  if (status < 400) return {};
  try {
    const told = JSON.parse(body || '{"success":false}') as {
      success?: boolean;
      accepted?: number;
      errors?: unknown[];
    };
    return told.success === false ? told : 'an error without success: false';
  } catch {
    return 'an error that is not JSON';
  }
}

/** The number of messages in a request that was accepted whole. */
export function messagesOf({ path, headers, body }: FuzzRequest): number {
  const text = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const value: unknown = JSON.parse(text.toString());
  if (/^\/v1\/weather\b/.test(path)) return Array.isArray(value) ? value.length : 1;
  if (!/^\/v1\/(batch|import)\b/.test(path)) return 1;
  const { batch } = value as { batch?: unknown };
  return Array.isArray(batch) ? batch.length : 1;
}
