type Release = () => void | Promise<void>;

/** Releases the resources of a process in reverse order. If one release fails, the others still run. */
export class Teardown {
  readonly #steps: { name: string; release: Release }[] = [];
  #running: Promise<void> | undefined;
  #current: string | undefined;

  /** Call it as soon as the resource is open. */
  add(name: string, release: Release): void {
    this.#steps.push({ name, release });
  }

  /** The name of the release that is running, to report it if it hangs. */
  get current(): string | undefined {
    return this.#current;
  }

  /** Runs every release once, also if it is called several times. @throws the first error of a release */
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
