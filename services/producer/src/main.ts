import { AvroRegistry, loadStreams } from '@windrow/contracts';
import { GroupCommit, KafkaBroker } from '@windrow/pipeline';
import { listen, retryUntilReady, runService, unlessAborted } from '@windrow/runtime';
import { openAccess } from './auth/open-access.ts';
import { producerConfig } from './config.ts';
import { producerMetrics } from './metrics.ts';
import { createServer, openIntakes } from './server.ts';
import { readTls, rereadTlsOnSignal } from './tls.ts';

await runService({
  name: 'producer',
  config: producerConfig,
  async start({ config, log, registry, readiness, teardown, signal, fail }) {
    const metrics = producerMetrics(registry);
    const contracts = await loadStreams();
    const schemas = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
    const broker = new KafkaBroker({
      brokers: config.KAFKA_BROKERS,
      clientId: 'windrow-producer',
      onLog: (level, message, details) => log[level]({ kafka: details }, message),
    });
    teardown.add('kafka', () => broker.close());

    for (const condition of ['registry', 'kafka', 'write keys'])
      readiness.unmet(condition, 'not connected yet');
    const connect = <T>(condition: string, call: () => Promise<T>): Promise<T> =>
      retryUntilReady(() => unlessAborted(call(), signal), { condition, readiness, log, signal });
    const { intakes, deadLetterEncoder } = await connect('registry', () => openIntakes(contracts, schemas));
    const commit = new GroupCommit(broker, { metrics, readiness });
    teardown.add('group commit', () => commit.close());
    await connect('kafka', () => commit.open());
    const { access, close } = await connect('write keys', () =>
      openAccess({
        broker,
        registry: schemas,
        send: (outputs, sendSignal) => commit.send(outputs, sendSignal),
        required: config.WRITE_KEYS === 'required',
        log,
        fail: (error) => signal.aborted || fail(error),
      }),
    );
    teardown.add('write keys', close);

    const tls = readTls(config);
    const app = createServer(
      { intakes, deadLetterEncoder, commit, access, metrics, log },
      { corsOrigins: config.HTTP_CORS_ORIGINS, ...(tls && { tls }) },
    );
    if (tls) rereadTlsOnSignal(app.server, config, log);
    teardown.add('http server', () => app.close());
    const address = await listen(app, config.HTTP_HOST, config.HTTP_PORT);
    log.info(
      { address, routes: intakes.flatMap(({ intake }) => intake.contract.http?.map(({ path }) => path)) },
      'taking events',
    );
  },
});
