import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadStreams } from '@windrow/contracts';
import { collectFacts, judge, openInstallation, waitForLanding } from '@windrow/operations';
import { must } from '@windrow/runtime/testing';
import { servicesStatus } from '@windrow/stack';
import { Draw } from '../chaos/draw.ts';
import { copyOfTheClone } from '../end-to-end/clone-copy.ts';
import { Installation } from '../end-to-end/installation.ts';
import { fuzzHttp, type HttpCounts } from './fuzz-http.ts';
import { fuzzKafka } from './fuzz-kafka.ts';
import { type MemorySeen, MemoryWatch } from './memory-watch.ts';
import { fuzzOwnStreams } from './own-streams.ts';
import { addRandomStreams, randomStreamPrefix } from './random-streams.ts';

export interface FuzzOptions {
  seed: number;
  /** The number of mutated HTTP requests. */
  requests: number;
  /** The number of mutated Kafka records. */
  records: number;
  /** The number of streams with random schemas. */
  streams: number;
  log(line: string): void;
  signal: AbortSignal;
}

export interface FuzzResult {
  http: HttpCounts;
  /** Records that were sent directly to Kafka. */
  records: number;
  /** The memory of the producer during the requests, and of the other services during the records. */
  memory: MemorySeen[];
  /** Every violation, in words. */
  findings: string[];
}

const landWithinMs = 600_000;
const progressEveryMs = 10_000;
/** Sound records of each stream with a random schema. */
const soundPerStream = 300;

/**
 * Sends mutated requests and records to an installation of its own, which also has streams with random schemas, and compares the
 * results with what was sent.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const clone = copyOfTheClone();
  try {
    addRandomStreams(clone, options.streams, new Draw(options.seed));
    return await fuzzClone(clone, options);
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
}

async function fuzzClone(
  clone: string,
  { seed, requests, records, streams, log, signal }: FuzzOptions,
): Promise<FuzzResult> {
  const windrow = await Installation.start(clone);
  const opened = await openInstallation({ ...process.env, ...windrow.endpoints });
  const contracts = await loadStreams(join(clone, 'packages/contracts/streams'));
  const installation = { ...opened, contracts };
  const services = servicesStatus(windrow.stateDir).services;
  let done = 0;
  const progress = setInterval(() => log(`${done} of ${requests + records}`), progressEveryMs);
  try {
    const watchesOf = (isProducer: boolean) =>
      services
        .filter(({ name }) => (name === 'producer') === isProducer)
        .map((service) => new MemoryWatch(service));
    const memory: MemorySeen[] = [];
    const findings: string[] = [];
    log(`seed ${seed}: ${streams} streams with random schemas`);
    const own = await fuzzOwnStreams(
      { seed, records: soundPerStream, installation, landWithinMs, signal },
      findings,
    );
    let watches = watchesOf(true);
    log(`seed ${seed}: ${requests} requests`);
    const http = await fuzzHttp(must(windrow.endpoints.PRODUCER_URL), { seed, requests, signal }, () => {
      done += 1;
    });
    for (const watch of watches) memory.push(await watch.stop());
    findings.push(...http.findings);
    await compareHttp(installation, http, findings);
    watches = watchesOf(false);
    log(`seed ${seed}: ${records} records`);
    const sent = await fuzzKafka({ seed, records, signal, ...installation }, (sentSoFar) => {
      done = requests + sentSoFar;
    });
    log('waiting until all of it has landed');
    await waitForLanding(installation, { timeoutMs: landWithinMs, signal });
    for (const watch of watches) memory.push(await watch.stop());
    for (const { service, firstBytes, secondBytes, hasGrown } of memory) {
      if (hasGrown) findings.push(`${service} has grown from ${firstBytes} to ${secondBytes} bytes`);
    }
    // Counts only: mutations put the same id into several partitions, where deduplication does not apply.
    const audit = judge(await collectFacts(installation, { signal }));
    for (const { verdict, line, check, message } of audit.findings) {
      findings.push(`audit: ${verdict}: ${line}, ${check}: ${message}`);
    }
    const consumed = audit.partitions.reduce((sum, partition) => sum + partition.consumed, 0);
    const toKafka = [...own.values(), ...sent.values()];
    const expected = http.accepted + toKafka.reduce((sum, count) => sum + count, 0);
    if (consumed !== expected) findings.push(`${expected} events came in, ${consumed} were consumed`);
    for (const { name, restarts, failure } of servicesStatus(windrow.stateDir).services) {
      if (restarts > 0) findings.push(`${name} died ${restarts} times: ${failure}`);
    }
    return { http, records, memory, findings };
  } finally {
    clearInterval(progress);
    await installation.close();
    await windrow.stop();
  }
}

/** Compares the HTTP responses with the records in Kafka. */
async function compareHttp(
  installation: Awaited<ReturnType<typeof openInstallation>>,
  http: HttpCounts,
  findings: string[],
): Promise<void> {
  const facts = await collectFacts(installation);
  const inTopics = facts.streams
    .filter(({ stream }) => !stream.startsWith(randomStreamPrefix))
    .flatMap(({ raw }) => raw.partitions)
    .reduce((sum, { start, end }) => sum + end - start, 0);
  if (inTopics !== http.accepted) findings.push(`${http.accepted} accepted over HTTP, ${inTopics} in Kafka`);
  const letters = facts.deadLetters.causes
    .filter(({ stage }) => stage === 'http')
    .reduce((sum, { events }) => sum + events, 0);
  if (letters !== http.deadLettered) {
    findings.push(`${http.deadLettered} refused over HTTP, ${letters} dead letters of HTTP`);
  }
}
