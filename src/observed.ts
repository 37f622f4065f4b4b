/** A promise that tells when somebody looks at it: a failure is then theirs to handle. */
class Observed<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Promise'
  readonly #promise: Promise<T>
  readonly #seen: () => void

  constructor(promise: Promise<T>, seen: () => void) {
    this.#promise = promise
    this.#seen = seen
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being awaited is what it observes
  readonly then: Promise<T>['then'] = (onFulfilled, onRejected) => {
    void this.#promise.then(this.#seen, this.#seen)
    return this.#promise.then(onFulfilled, onRejected)
  }

  readonly catch: Promise<T>['catch'] = (onRejected) => this.then(undefined, onRejected)

  readonly finally: Promise<T>['finally'] = (onFinally) => {
    void this.then(undefined, () => undefined)
    return this.#promise.finally(onFinally)
  }
}

/** A job's facet writes that are on their way, and those that failed and nobody has looked at. */
export class Writes {
  readonly #open = new Set<Promise<void>>()

  get size(): number {
    return this.#open.size
  }

  /**
   * Remembers a write until it has succeeded, or until what this returns is looked at. Its failure
   * does not count as unhandled meanwhile.
   */
  track(written: Promise<void>, onForgotten: () => void = () => undefined): Promise<void> {
    this.#open.add(written)
    const seen = (): void => {
      this.#open.delete(written)
      onForgotten()
    }
    written.then(seen, () => undefined)
    return new Observed(written, seen)
  }

  /** Resolves when those of now are over, however they end. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open)
  }

  /**
   * Forgets all, and settles when they are over. Rejects with the error of the first that failed, in
   * the order in which they were given.
   */
  async succeeded(): Promise<void> {
    const open = [...this.#open]
    this.#open.clear()
    await Promise.allSettled(open)
    for (const written of open) await written
  }
}
