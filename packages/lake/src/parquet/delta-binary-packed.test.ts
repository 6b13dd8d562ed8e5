import fc from 'fast-check';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { expect, test } from 'vitest';
import { appendDeltas, deltaLimits } from './delta-binary-packed.ts';
import { PageBuffer } from './page-buffer.ts';

const page = new PageBuffer();

/** The values that a reader decodes from the page, and the number of bytes that it has read. */
function readBack(count: number, output: Int32Array | BigInt64Array): { values: number[]; bytes: number } {
  // A reader may read one word past the end.
  const padded = Buffer.concat([page.bytes, Buffer.alloc(8)]);
  const reader = { view: new DataView(padded.buffer, padded.byteOffset, padded.length), offset: 0 };
  deltaBinaryUnpack(reader, count, output);
  return { values: Array.from(output, Number), bytes: reader.offset };
}

const lengths = [1, 2, 32, 33, 34, 128, 129, 130, 161, 1_000];
const steps = [0, 1, -1, 127, 2 ** 24 - 1, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 40];

test.each(lengths)('%i values of every step are read back', (length) => {
  for (const step of steps) {
    const values = Float64Array.from({ length }, (_, index) => (index % 7) * step - 3 * step);
    page.clear();
    appendDeltas(page, values, 0, length);
    const read = readBack(length, new BigInt64Array(length));
    expect(read.values).toEqual([...values].map((value) => value + 0));
    expect(read.bytes).toBe(page.length);
  }
});

test('any whole numbers within the limits are read back, as longs and as integers', () => {
  const within = ({ range, value }: { range: number; value: number }) => {
    const farthest = value - range / 2;
    const near = fc.oneof(
      fc.integer({ min: -range / 2, max: range / 2 }),
      fc.constantFrom(-range / 2, range / 2),
      fc.integer({ min: -100, max: 100 }),
    );
    return fc
      .tuple(
        fc.oneof(fc.constant(0), fc.constantFrom(-farthest, farthest)),
        fc.array(near, { minLength: 1, maxLength: 400 }),
      )
      .map(([middle, values]) => values.map((each) => middle + each));
  };
  const keeps = (values: number[], source: Float64Array | Int32Array, output: Int32Array | BigInt64Array) => {
    page.clear();
    appendDeltas(page, source, 0, values.length);
    expect(readBack(values.length, output).values).toEqual(values);
  };
  fc.assert(
    fc.property(within(deltaLimits.long), (values) =>
      keeps(values, Float64Array.from(values), new BigInt64Array(values.length)),
    ),
  );
  fc.assert(
    fc.property(within(deltaLimits.integer), (values) =>
      keeps(values, Int32Array.from(values), new Int32Array(values.length)),
    ),
  );
});
