import avsc from 'avsc';

/**
 * avsc's maps and arrays, with two differences. avsc assigns a map's entries to an object, so that an entry named `__proto__` is lost.
 * And it believes the number of items that a block claims to have: a few wrong bytes would keep it busy for days.
 */

interface Tap {
  buf: Buffer;
  pos: number;
  readLong(): number;
  readString(): string;
  skipLong(): void;
}

/** avsc's types, and its resolvers, which borrow the methods of the types. */
interface Reader {
  _read(tap: Tap): unknown;
}

/**
 * Items without bytes, such as nulls, that a value may have. All other items have at least one byte. The lake's decoders have the same
 * limit, so that all readers accept the same records.
 */
export const maxEmptyItems = 2 ** 16;

/** @returns the number of items in the next block; 0 after the last one */
function blockSize(tap: Tap): number {
  let items = tap.readLong();
  if (items < 0) {
    items = -items;
    tap.skipLong();
  }
  if (items > maxEmptyItems && items > tap.buf.length - tap.pos)
    throw new RangeError(`a block has ${Math.max(0, tap.buf.length - tap.pos)} bytes for ${items} items`);
  return items;
}

export class ExactMap extends avsc.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = (this as unknown as { valuesType: Reader }).valuesType;
    const entries: Record<string, unknown> = {};
    for (let left = blockSize(tap); left > 0; left = blockSize(tap))
      for (; left > 0; left--) {
        const key = tap.readString();
        const value = values._read(tap);
        if (key !== '__proto__') entries[key] = value;
        else
          Object.defineProperty(entries, key, {
            value,
            enumerable: true,
            configurable: true,
            writable: true,
          });
      }
    return entries;
  }

  /** Reads it: avsc would follow the sizes of blocks, also backwards. */
  _skip(tap: Tap): void {
    this._read(tap);
  }
}

export class ExactArray extends avsc.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = (this as unknown as { itemsType: Reader }).itemsType;
    const read: unknown[] = [];
    for (let left = blockSize(tap); left > 0; left = blockSize(tap))
      for (; left > 0; left--) read.push(items._read(tap));
    return read;
  }

  _skip(tap: Tap): void {
    this._read(tap);
  }
}
