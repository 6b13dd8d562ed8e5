import {
  AvroCodec,
  type AvroRegistry,
  type LoadedFile,
  loadedFileKey,
  loadedFileSchema,
  loadTopic,
} from '@windrow/contracts';
import { type Broker, followTopic, type GroupCommit, type TopicReader } from '@windrow/pipeline';
import type { FileIdentity, LoadFile } from './load-file.ts';
import { type PathStep, pathText } from './read/record-path.ts';

export type LoadedSoFar = Pick<LoadedFile, 'position' | 'sent' | 'rejected' | 'done'>;

export interface LoadMemoryOptions {
  broker: Broker;
  registry: AvroRegistry;
  commit: GroupCommit;
  stream: string;
  /** The files to keep progress of. Records of other files are ignored. */
  files: readonly LoadFile[];
  /** Where the records are within each file's: the same file has other records at another path. */
  path?: readonly PathStep[] | undefined;
}

/** The progress of all loads into a stream, from the topic `loads`. It follows the progress of other processes, too. */
export class LoadMemory {
  readonly #options: LoadMemoryOptions;
  readonly #codec: AvroCodec;
  readonly #schemaId: number;
  /** Key of the record → progress; undefined if the file was never loaded. */
  readonly #known: Map<string, LoadedFile | undefined>;
  #reader: TopicReader | undefined;

  /** @throws WindrowError TOPIC_MISSING, KAFKA_UNAVAILABLE, REGISTRY_UNAVAILABLE, SCHEMA_INCOMPATIBLE */
  static async open(options: LoadMemoryOptions): Promise<LoadMemory> {
    const { broker, registry } = options;
    const schemaId = await registry.register(loadTopic.name, loadedFileSchema);
    const memory = new LoadMemory(options, schemaId);
    const known = memory.#known;
    memory.#reader = await followTopic<LoadedFile>({
      ...{ broker, registry, topic: loadTopic.name, schema: loadedFileSchema },
      onRecord: (key, record) => known.has(key) && known.set(key, record ?? undefined),
      onForeign: () => undefined,
    });
    // Without the progress of other processes, a file may be loaded twice, which is harmless.
    memory.#reader.failed.catch(() => undefined);
    return memory;
  }

  private constructor(options: LoadMemoryOptions, schemaId: number) {
    const { registry, files, stream } = options;
    this.#options = options;
    this.#codec = new AvroCodec(loadedFileSchema, registry);
    this.#schemaId = schemaId;
    const identities = files.flatMap(({ remembered }) => remembered ?? []);
    this.#known = new Map(identities.map(({ url }) => [loadedFileKey({ stream, url }), undefined]));
  }

  /** The progress of this version of the file; undefined if it was not loaded, or has changed since. */
  recall({ remembered: identity, sizeBytes }: LoadFile): LoadedSoFar | undefined {
    if (!identity) return undefined;
    const known = this.#known.get(loadedFileKey({ stream: this.#options.stream, url: identity.url }));
    return known?.version === this.#versionOf(identity) && known.size_bytes === sizeBytes ? known : undefined;
  }

  /**
   * Stores progress, which must cover only events that Kafka has acknowledged. Fulfilled when Kafka has acknowledged it.
   * @throws WindrowError KAFKA_UNAVAILABLE
   */
  async remember(identity: FileIdentity, sizeBytes: number, soFar: LoadedSoFar): Promise<void> {
    const { stream, commit } = this.#options;
    const { url } = identity;
    const version = this.#versionOf(identity);
    const { position, sent, rejected, done } = soFar;
    const record = { stream, url, size_bytes: sizeBytes, version, position, sent, rejected, done };
    const value = this.#codec.encode(record, this.#schemaId);
    await commit.send([{ topic: loadTopic.name, records: [{ key: loadedFileKey(record), value }] }]);
  }

  #versionOf({ version }: FileIdentity): string {
    const { path } = this.#options;
    return path ? `${version} ${pathText(path)}` : version;
  }

  /** Waits until all progress that was stored before the call has been read. */
  async catchUp(): Promise<void> {
    await this.#reader?.reached(await this.#options.broker.endOffsets(loadTopic.name));
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }
}
