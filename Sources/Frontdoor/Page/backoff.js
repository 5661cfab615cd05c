/**
 * Growing, random pauses between attempts.
 *
 * When a worker goes away, everybody it served comes back at once. Half of each pause is random, so that they arrive spread
 * out and not as a second outage.
 */
export class Backoff {
  #attempts = 0;
  #first;
  #limit;
  #factor;
  #random;

  /** `first` and `limit` in milliseconds: the upper ends of the first pause and of the longest one. */
  constructor({ first = 1_500, limit = 20_000, factor = 1.7, random = Math.random } = {}) {
    this.#first = first;
    this.#limit = limit;
    this.#factor = factor;
    this.#random = random;
  }

  /** The length of the next pause in milliseconds. */
  next() {
    const span = Math.min(this.#limit, this.#first * this.#factor ** this.#attempts);
    this.#attempts += 1;
    return span * (0.5 + this.#random() / 2);
  }

  reset() {
    this.#attempts = 0;
  }
}
