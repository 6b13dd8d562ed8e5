import { rawNumber } from './json-text.ts';

/**
 * A JSON number with a text that a JavaScript number would change, such as 157963456373623803, 1.10 or 1e400. `JSON.stringify`
 * writes the text again, digit for digit.
 */
export class NumberText {
  readonly sourceText: string;

  constructor(sourceText: string) {
    this.sourceText = sourceText;
  }

  toJSON(): object {
    return rawNumber(this.sourceText);
  }

  toString(): string {
    return this.sourceText;
  }
}
