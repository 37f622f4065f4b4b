/**
 * How carefully to claim. After a claim was refused, outcomes go in ticks of their own, and so does each
 * type's claim, with fewer jobs at a time, until every type has had its turn: what is wrong with one job
 * or type must not keep the others waiting.
 */
export class Caution {
  #limit = Infinity
  #turnsLeft = 0
  #turn = 0

  /** Whether outcomes and claims, and the claims of each type, go alone. */
  get apart(): boolean {
    return this.#turnsLeft > 0
  }

  /** How many jobs one claim asks for at most. */
  get limit(): number {
    return this.#limit
  }

  /** The types whose turn it is. */
  typesInTurn<T>(types: readonly T[]): readonly T[] {
    return this.apart ? types.slice(this.#turn % types.length).slice(0, 1) : types
  }

  /** A claim of `wanted` jobs was refused, or not answered. */
  refused(wanted: number, types: number): void {
    this.#limit = Math.max(1, Math.floor(wanted / 2))
    this.#turnsLeft = types
    this.#turn += 1
  }

  /** A claim succeeded. */
  succeeded(): void {
    this.#limit *= 2
    if (!this.apart) return
    this.#turnsLeft -= 1
    this.#turn += 1
  }
}
