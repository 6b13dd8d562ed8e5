/** The numbers from 0 up to a count, in an order that is changed by swaps. */
export class Order {
  readonly #numbers: Uint32Array;

  constructor(count: number) {
    this.#numbers = Uint32Array.from({ length: count }, (_, number) => number);
  }

  get length(): number {
    return this.#numbers.length;
  }

  at(index: number): number {
    const number = this.#numbers[index];
    if (number === undefined) throw new RangeError(`${index} is not below ${this.length}`);
    return number;
  }

  swap(one: number, other: number): void {
    const number = this.at(one);
    this.#numbers[one] = this.at(other);
    this.#numbers[other] = number;
  }

  /** Puts the numbers below `count` back where they were first. */
  reset(count: number): void {
    for (let index = 0; index < count; index++) this.#numbers[index] = index;
  }
}
