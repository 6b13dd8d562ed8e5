import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import snappy from 'snappy';

/** The header of xerial's Snappy stream, which the Java client writes. librdkafka writes plain blocks. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeaderBytes = 16;

async function snappyDecompress(data: Buffer): Promise<Buffer> {
  if (!data.subarray(0, xerialMagic.length).equals(xerialMagic))
    return Buffer.from(await snappy.uncompress(data));
  const blocks: Buffer[] = [];
  for (let at = xerialHeaderBytes; at < data.length; ) {
    const length = data.readInt32BE(at);
    blocks.push(Buffer.from(await snappy.uncompress(data.subarray(at + 4, at + 4 + length))));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

const zstdCompressAsync = promisify(zstdCompress);
const zstdDecompressAsync = promisify(zstdDecompress);

/** Adds codecs to kafkajs, which has gzip only. A batch with an unknown codec would stop the consumer. */
export function registerCompression(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => Buffer.from(await snappy.compress(buffer)),
    decompress: snappyDecompress,
  });
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => compressFrame(buffer),
    decompress: (buffer: Buffer) => decompressFrame(buffer),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => zstdCompressAsync(buffer),
    decompress: (buffer: Buffer) => zstdDecompressAsync(buffer),
  });
}

const uncompressed = 0;
type Decompress = (bytes: Buffer) => Promise<Buffer>;

/** @param codec its number in Kafka's protocol. @throws Error where the codec is unknown or the bytes are invalid */
export async function decompress(codec: number, bytes: Buffer): Promise<Buffer> {
  if (codec === uncompressed) return bytes;
  const codecs: Record<number, () => { decompress: Decompress }> = kafkajs.CompressionCodecs;
  const make = codecs[codec];
  if (!make) throw new Error(`its compression codec ${codec} is unknown`);
  return make().decompress(bytes);
}
