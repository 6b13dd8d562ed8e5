type Release = () => void | Promise<void>;

/** Releases what a process has set up, in reverse order. One release that fails doesn't keep the others from running. */
export class Teardown {
  readonly #steps: { name: string; release: Release }[] = [];
  #running: Promise<void> | undefined;
  #current: string | undefined;

  /** To be called right after the thing was set up. */
  add(name: string, release: Release): void {
    this.#steps.push({ name, release });
  }

  /** What is being released at this moment, to name it when it hangs. */
  get current(): string | undefined {
    return this.#current;
  }

  /** Runs every release once, however often it is called; then throws the first error that came up. */
  run(): Promise<void> {
    this.#running ??= this.#release();
    return this.#running;
  }

  async #release(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      this.#current = step.name;
      try {
        await step.release();
      } catch (error) {
        errors.push(error);
      }
    }
    this.#current = undefined;
    if (errors.length > 0) throw errors[0];
  }
}
