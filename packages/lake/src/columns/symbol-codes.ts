import type { BytesColumn } from './bytes-column.ts';

/** The codes of an enum's symbols in a column's entries. A symbol gets its entry when it first occurs. */
export class SymbolCodes {
  private readonly symbols: readonly string[];
  private readonly codes: Int32Array;
  private column: BytesColumn | undefined;

  constructor(symbols: readonly string[]) {
    this.symbols = symbols;
    this.codes = new Int32Array(symbols.length);
  }

  /** Forgets all codes, because the column may have been cleared or be another one. */
  begin(column: BytesColumn): void {
    this.column = column;
    this.codes.fill(-1);
  }

  /** @returns -1 when the enum has no symbol with this index */
  codeOf(index: number): number {
    if (index >= this.codes.length) return -1;
    if (this.codes[index]! < 0) this.codes[index] = this.column!.codeOf(this.symbols[index]!);
    return this.codes[index]!;
  }
}
