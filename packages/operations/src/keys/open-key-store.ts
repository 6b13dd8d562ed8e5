import { AvroRegistry } from '@windrow/contracts';
import { KafkaBroker } from '@windrow/pipeline';
import { kafkaConfig, loadConfig, registryConfig } from '@windrow/runtime';
import { KeyStore } from './key-store.ts';

/** Opens the write keys of the installation that `env` configures. @throws WindrowError CONFIG_INVALID */
export function openKeyStore(env: NodeJS.ProcessEnv): { store: KeyStore; close(): Promise<void> } {
  const config = loadConfig(kafkaConfig.extend(registryConfig.shape), env);
  const broker = new KafkaBroker({ brokers: config.KAFKA_BROKERS, clientId: 'windrow-keys' });
  const registry = new AvroRegistry(config.SCHEMA_REGISTRY_URL);
  return { store: new KeyStore({ broker, registry }), close: () => broker.close() };
}
