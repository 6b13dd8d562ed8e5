/** A service is ready while all of its named conditions are met. */
export class Readiness {
  readonly #reasons = new Map<string, string | null>();

  /** Marks the condition as met. */
  met(condition: string): void {
    this.#reasons.set(condition, null);
  }

  /** Marks the condition as unmet. `reason` tells an operator why. */
  unmet(condition: string, reason: string): void {
    this.#reasons.set(condition, reason);
  }

  get ready(): boolean {
    return Object.keys(this.reasons()).length === 0;
  }

  /** Unmet condition → reason. */
  reasons(): Record<string, string> {
    const unmet: Record<string, string> = {};
    for (const [condition, reason] of this.#reasons) {
      if (reason !== null) unmet[condition] = reason;
    }
    return unmet;
  }
}
