import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkKafka } from '../ready.ts';
import { installedPartsDir, repositoryDir } from '../state.ts';
import { loopback, type Part, type PartContext } from './part.ts';

const jars = path.join(installedPartsDir, 'kafka');
const settings = path.join(repositoryDir, 'infra/kafka');

function brokers({ ports }: PartContext): string {
  return `${loopback}:${ports.broker}`;
}

function configuration({ ports, dataDir }: PartContext): string {
  const broker = `BROKER://${loopback}:${ports.broker}`;
  const controller = `CONTROLLER://${loopback}:${ports.controller}`;
  return `${readFileSync(path.join(settings, 'server.properties'), 'utf8')}
listeners=${broker},${controller}
advertised.listeners=${broker},${controller}
controller.quorum.voters=1@${loopback}:${ports.controller}
log.dirs=${dataDir}/log
`;
}

function java(main: string, heap: string[], ...args: string[]): string[] {
  return [
    'java',
    ...heap,
    // Its counters for other tools would stay in the temporary directory after a kill.
    '-XX:+PerfDisableSharedMem',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${settings}/log4j2.properties`,
    '-cp',
    `${jars}/*`,
    main,
    ...args,
  ];
}

/** Kafka 4.3, KRaft, broker and controller in one process. */
export const kafka: Part = {
  name: 'kafka',
  portNames: ['broker', 'controller'],
  stopSignal: 'SIGTERM',
  keepsData: true,
  missing: () => (existsSync(path.join(jars, 'kafka-server-4.3.1.jar')) ? undefined : `the jars in ${jars}`),
  async launch(context) {
    mkdirSync(context.dataDir, { recursive: true });
    const file = path.join(context.dataDir, 'server.properties');
    writeFileSync(file, configuration(context));
    const formatted = existsSync(path.join(context.dataDir, 'log/meta.properties'));
    const clusterId = randomBytes(16).toString('base64url');
    const format = java(
      'kafka.tools.StorageTool',
      // It lives for a second: the optimising compiler would only compete with the other parts for the processors.
      ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
      ...['format', `--cluster-id=${clusterId}`, '-c', file],
    );
    return {
      before: formatted ? [] : [format],
      command: java('kafka.Kafka', ['-Xms256m', '-Xmx768m', '-XX:+UseG1GC'], file),
      env: {},
      cwd: context.dataDir,
    };
  },
  check: (context) => checkKafka(brokers(context)),
  endpoints: (context) => ({ KAFKA_BROKERS: brokers(context) }),
};
