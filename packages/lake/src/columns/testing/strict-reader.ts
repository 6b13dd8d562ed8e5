import { must } from '@windrow/runtime/testing';
import type { Type, types } from 'avsc';

/**
 * Whether the bytes are one valid value of the type by the letter of the specification, with longs that avsc reads exactly. A
 * slow, independent reader with BigInt, which finds the errors that avsc ignores.
 */
export function isStrictly(type: Type, bytes: Uint8Array): boolean {
  const reader = new StrictReader(bytes);
  try {
    reader.read(type);
    return reader.at === bytes.length;
  } catch (error) {
    if (error instanceof NotStrict) return false;
    throw error;
  }
}

class NotStrict extends Error {}

class StrictReader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  read(type: Type): void {
    switch (type.typeName) {
      case 'null':
        return;
      case 'boolean':
        this.skip(1n);
        return;
      case 'int':
        this.between(this.varint(5), -(2n ** 31n), 2n ** 31n - 1n);
        return;
      case 'long':
        this.between(this.varint(10), -(2n ** 52n), 2n ** 52n);
        return;
      case 'float':
        this.skip(4n);
        return;
      case 'double':
        this.skip(8n);
        return;
      case 'bytes':
      case 'string':
        this.skip(this.varint(10));
        return;
      case 'fixed':
        this.skip(BigInt((type as types.FixedType).size));
        return;
      case 'enum':
        this.between(this.varint(10), 0n, BigInt((type as types.EnumType).symbols.length - 1));
        return;
      case 'array':
        this.blocks(() => this.read((type as types.ArrayType).itemsType));
        return;
      case 'map':
        this.blocks(() => {
          this.skip(this.varint(10));
          this.read((type as types.MapType).valuesType);
        });
        return;
      case 'union:unwrapped':
      case 'union:wrapped': {
        const { types: branches } = type as types.WrappedUnionType;
        const index = this.varint(10);
        this.between(index, 0n, BigInt(branches.length - 1));
        this.read(must(branches[Number(index)]));
        return;
      }
      default:
        for (const field of (type as types.RecordType).fields) this.read(field.type);
    }
  }

  private blocks(readItem: () => void): void {
    for (;;) {
      const count = this.varint(10);
      if (count === 0n) return;
      const size = count < 0n ? this.varint(10) : undefined;
      const start = this.at;
      this.between(count, -(2n ** 16n), 2n ** 16n);
      for (let left = count < 0n ? -count : count; left > 0n; left--) readItem();
      if (size !== undefined && BigInt(this.at - start) !== size) throw new NotStrict();
    }
  }

  private varint(maxBytes: number): bigint {
    let raw = 0n;
    for (let index = 0; index < maxBytes; index++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new NotStrict();
      raw |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return (raw >> 1n) ^ -(raw & 1n);
    }
    throw new NotStrict();
  }

  private skip(count: bigint): void {
    this.between(count, 0n, BigInt(this.bytes.length - this.at));
    this.at += Number(count);
  }

  private between(value: bigint, min: bigint, max: bigint): void {
    if (value < min || value > max) throw new NotStrict();
  }
}
