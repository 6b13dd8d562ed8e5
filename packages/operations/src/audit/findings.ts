/** `behind`: events are still on their way, so wait and audit again. `wrong`: waiting does not help. */
export type Verdict = 'ok' | 'behind' | 'wrong';

export interface Finding {
  /** What does not add up: an input partition (`track.raw/3`) or a table (`lake curated/track`). */
  line: string;
  verdict: Exclude<Verdict, 'ok'>;
  /** Which check found it. */
  check: string;
  message: string;
}

export class Findings {
  readonly all: Finding[] = [];
  readonly #moving: boolean;

  /** @param moving whether topics got records while the facts were collected, so that facts are of different moments */
  constructor(moving: boolean) {
    this.#moving = moving;
  }

  /** Adds a finding that is wrong even while events are on their way. */
  wrong(line: string, check: string, message: string): void {
    this.all.push({ line, verdict: 'wrong', check, message });
  }

  /** Adds a difference between two facts. It is `behind` while the line, or with `all` any line, is behind; otherwise `wrong`. */
  differs(line: string, check: string, message: string, unless: 'line' | 'all' = 'line'): void {
    const isUnsettled = this.#moving || (unless === 'all' ? this.#anyBehind : this.isBehind(line));
    if (isUnsettled) this.behind(line, check, message);
    else this.wrong(line, check, message);
  }

  get #anyBehind(): boolean {
    return this.all.some(({ verdict }) => verdict === 'behind');
  }

  behind(line: string, check: string, message: string): void {
    this.all.push({ line, verdict: 'behind', check, message });
  }

  isBehind(line: string): boolean {
    return this.all.some((finding) => finding.line === line && finding.verdict === 'behind');
  }

  verdictOf(line: string): Verdict {
    const verdicts = this.all.filter((finding) => finding.line === line).map(({ verdict }) => verdict);
    if (verdicts.includes('wrong')) return 'wrong';
    return verdicts.includes('behind') ? 'behind' : 'ok';
  }
}
