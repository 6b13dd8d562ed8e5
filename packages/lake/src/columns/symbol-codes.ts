import type { BytesColumn } from './bytes-column.ts';

/** The entries of an enum's symbols in a column, each put there when it is first met. */
export class SymbolCodes {
  private readonly symbols: readonly string[];
  private readonly codes: Int32Array;
  private column: BytesColumn | undefined;

  constructor(symbols: readonly string[]) {
    this.symbols = symbols;
    this.codes = new Int32Array(symbols.length);
  }

  /** Forgets the entries that it knows: the column may have been cleared, or be another one. */
  begin(column: BytesColumn): void {
    this.column = column;
    this.codes.fill(-1);
  }

  /** @returns -1 where the enum has no symbol with this index */
  codeOf(index: number): number {
    if (index >= this.codes.length) return -1;
    if (this.codes[index]! < 0) this.codes[index] = this.column!.codeOf(this.symbols[index]!);
    return this.codes[index]!;
  }
}
