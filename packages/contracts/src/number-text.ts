/** Node 24 has `JSON.rawJSON`, whose text `JSON.stringify` writes as it is. TypeScript's library for ES2024 doesn't declare it. */
export const { rawJSON } = JSON as JSON & { rawJSON(text: string): unknown };

/**
 * A JSON number with a text that a JavaScript number would change, such as 157963456373623803, 1.10 or 1e400. `JSON.stringify`
 * writes the text again, digit for digit.
 */
export class NumberText {
  readonly sourceText: string;

  constructor(sourceText: string) {
    this.sourceText = sourceText;
  }

  toJSON(): unknown {
    return rawJSON(this.sourceText);
  }

  toString(): string {
    return this.sourceText;
  }
}
