import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { checkS3 } from '../ready.ts';
import { installedPartsDir, repositoryDir, type StackEndpoints } from '../state.ts';
import { loopback, type Part, type PartContext } from './part.ts';

const installed = path.join(installedPartsDir, 'localstack');
const python = path.join(installed, 'bin/python');

/** LocalStack takes any credentials; clients must send some. */
function endpoints({ ports }: PartContext): StackEndpoints {
  return {
    S3_ENDPOINT: `http://${loopback}:${ports.http}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    LAKE_BUCKET: 'lake',
  };
}

/** S3: LocalStack without a container. It keeps nothing when it stops, and starts with an empty bucket. */
export const s3: Part = {
  name: 's3',
  portNames: ['http'],
  // It has nothing to save, and on SIGTERM its process stays for ten seconds and more after it has said goodbye.
  stopSignal: 'SIGKILL',
  keepsData: false,
  missing: () => (existsSync(python) ? undefined : `LocalStack in ${installed}`),
  async launch(context) {
    const { dataDir, ports } = context;
    const temporary = path.join(dataDir, 'tmp');
    rmSync(dataDir, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    // The index of services that set-up made; without it every start would make one, for ten seconds.
    mkdirSync(path.join(dataDir, 'usr/lib'), { recursive: true });
    symlinkSync(
      path.join(installed, 'filesystem/usr/lib/localstack'),
      path.join(dataDir, 'usr/lib/localstack'),
    );
    // In its container LocalStack looks for init scripts in /etc/localstack/init; here below FILESYSTEM_ROOT.
    mkdirSync(path.join(dataDir, 'etc/localstack'), { recursive: true });
    symlinkSync(path.join(repositoryDir, 'localstack/init'), path.join(dataDir, 'etc/localstack/init'));
    return {
      before: [],
      command: [python, '-m', 'localstack.runtime.main'],
      env: {
        ...endpoints(context),
        SERVICES: 's3',
        EAGER_SERVICE_LOADING: '1',
        STRICT_SERVICE_LOADING: '1',
        // Its default server listens on all addresses, whatever it is told.
        GATEWAY_SERVER: 'hypercorn',
        GATEWAY_LISTEN: `${loopback}:${ports.http}`,
        // Where it takes itself to be in its container, two stacks on one machine would share its directories.
        OVERRIDE_IN_DOCKER: '0',
        FILESYSTEM_ROOT: dataDir,
        TMPDIR: temporary,
        DISABLE_EVENTS: '1',
        SKIP_SSL_CERT_DOWNLOAD: '1',
        DNS_ADDRESS: '0',
        LS_LOG: 'warn',
        PYTHONUNBUFFERED: '1',
      },
      cwd: dataDir,
    };
  },
  check: (context) => checkS3(endpoints(context)),
  endpoints,
};
