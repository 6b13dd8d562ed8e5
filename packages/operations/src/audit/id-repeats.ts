import type { RepeatedIds } from './facts.ts';
import { note } from './repeats.ts';

interface Id {
  partition: number;
  isRepeated: boolean;
  isElsewhere: boolean;
}

/** Counts the ids of rows that occur more than once, and those that are in several partitions. */
export class IdRepeats {
  readonly found: RepeatedIds = {
    ...{ count: 0, examples: [], rows: 0 },
    inSeveralPartitions: { count: 0, examples: [] },
  };
  #ids = new Map<string, number | Id>();

  add(id: string, partition: number): void {
    const known = this.#ids.get(id);
    if (known === undefined) {
      // Most ids occur once: they need no object.
      this.#ids.set(id, partition);
      return;
    }
    const entry =
      typeof known === 'object' ? known : { partition: known, isRepeated: false, isElsewhere: false };
    this.found.rows += 1;
    if (!entry.isRepeated) note(this.found, id);
    if (!entry.isElsewhere && entry.partition !== partition) {
      note(this.found.inSeveralPartitions, `${id} in ${entry.partition} and ${partition}`);
      entry.isElsewhere = true;
    }
    entry.isRepeated = true;
    this.#ids.set(id, entry);
  }

  /** Forgets the ids so far, to free memory. The caller knows that they do not occur again. */
  forget(): void {
    this.#ids = new Map();
  }
}
