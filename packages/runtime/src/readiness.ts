/** Why a service can't take work: named conditions, each of which must hold. */
export class Readiness {
  readonly #reasons = new Map<string, string | null>();

  /** The condition holds. */
  met(condition: string): void {
    this.#reasons.set(condition, null);
  }

  /** The condition doesn't hold (yet, or any more), and why, in words for an operator. */
  unmet(condition: string, reason: string): void {
    this.#reasons.set(condition, reason);
  }

  get ready(): boolean {
    return Object.keys(this.reasons()).length === 0;
  }

  /** The unmet conditions and why. */
  reasons(): Record<string, string> {
    const unmet: Record<string, string> = {};
    for (const [condition, reason] of this.#reasons) {
      if (reason !== null) unmet[condition] = reason;
    }
    return unmet;
  }
}
