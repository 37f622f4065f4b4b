import type { LogRow } from './queries/running.ts'
import { keyOf } from './queries/tick.ts'

/** A log line that waits to be written. */
export interface Line extends Omit<LogRow, 'ageMs'> {
  /** When it was logged, by performance.now(). */
  readonly loggedAt: number
}

/** What a line takes beside its text, in characters, about. */
const LINE_LENGTH = 200

/** The log lines that wait to be written, in the order of each attempt. Keys are those of keyOf. */
export class Lines {
  readonly #waiting = new Map<string, Line[]>()
  #length = 0

  /** How many characters they take, about. */
  get length(): number {
    return this.#length
  }

  /** How many jobs have lines that wait. */
  get jobs(): number {
    return this.#waiting.size
  }

  keys(): Iterable<string> {
    return this.#waiting.keys()
  }

  has(key: string): boolean {
    return this.#waiting.has(key)
  }

  push(line: Line): void {
    this.#length += lengthOf(line)
    const key = keyOf(line)
    const lines = this.#waiting.get(key)
    if (lines === undefined) this.#waiting.set(key, [line])
    else lines.push(line)
  }

  /**
   * Takes so many lines, but none of those jobs: of each other the same share, so that one that has
   * logged very much does not keep others waiting, and of those with fewer all.
   */
  take(count: number, aside: ReadonlySet<string>): Line[] {
    const jobs = [...this.#waiting]
      .filter(([key]) => !aside.has(key))
      .toSorted(([, a], [, b]) => a.length - b.length)
    const taken: Line[] = []
    for (const [index, [key, lines]] of jobs.entries()) {
      const share = Math.ceil((count - taken.length) / (jobs.length - index))
      if (share === 0) break
      if (lines.length <= share) this.#waiting.delete(key)
      for (const line of lines.length <= share ? lines : lines.splice(0, share)) taken.push(line)
    }
    for (const line of taken) this.#length -= lengthOf(line)
    return taken.toSorted((a, b) => a.loggedAt - b.loggedAt)
  }

  /** Takes all lines of a job. */
  takeOf(key: string): readonly Line[] {
    const lines = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    for (const line of lines) this.#length -= lengthOf(line)
    return lines
  }

  /** Puts lines back, before those of their jobs that have come meanwhile. */
  restore(lines: Iterable<Line>): void {
    for (const [key, first] of Map.groupBy(lines, keyOf)) {
      for (const line of first) this.#length += lengthOf(line)
      this.#waiting.set(key, [...first, ...(this.#waiting.get(key) ?? [])])
    }
  }

  clear(): void {
    this.#waiting.clear()
    this.#length = 0
  }
}

function lengthOf({ message, fields }: Line): number {
  return LINE_LENGTH + message.length + (fields?.length ?? 0)
}
