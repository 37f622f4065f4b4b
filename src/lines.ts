import type { LogRow } from './queries/running.ts'
import { keyOf } from './queries/tick.ts'

/** A log line that waits to be written. */
export interface Line extends Omit<LogRow, 'ageMs'> {
  /** When it was logged, by performance.now(). */
  readonly loggedAt: number
}

/** What a line takes beside its text, in characters, about. */
const LINE_LENGTH = 200
/**
 * Characters of one job's lines that are kept until they are stored: what it logs beyond them is
 * dropped. A client may keep its lines from being stored by a lock, for as long as it likes.
 */
const MAX_JOB_LENGTH = 20_000_000

/** Lines of a job that have been dropped, and that no line tells of yet. */
interface Dropped extends Pick<Line, 'id' | 'lease' | 'loggedAt'> {
  count: number
}

/** What is known of a job that has lines which are not stored yet. */
interface Unstored {
  /** How many characters they take, about; those on their way count. */
  length: number
  dropped: Dropped | undefined
}

/** The log lines that wait to be written, in the order of each attempt. Keys are those of keyOf. */
export class Lines {
  readonly #waiting = new Map<string, Line[]>()
  readonly #unstored = new Map<string, Unstored>()
  #length = 0

  /** How many characters they take, about; those on their way count. */
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

  /** Adds a line, or drops it if too much of its job is not stored yet: a line in its place tells so. */
  push(line: Line): void {
    const key = keyOf(line)
    const unstored = this.#unstored.get(key)
    if (unstored === undefined || unstored.length < MAX_JOB_LENGTH) return this.#add(key, line)
    const { id, lease, loggedAt } = line
    unstored.dropped ??= { id, lease, loggedAt, count: 0 }
    unstored.dropped.count += 1
  }

  /**
   * Takes so many lines, but none of those jobs: of each other the same share, so that one that has
   * logged very much does not keep others waiting, and of those with fewer all. They are on their way
   * until `settle`.
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
    return taken.toSorted((a, b) => a.loggedAt - b.loggedAt)
  }

  /** Lines that have been taken are on their way no more: those that are left wait again. */
  settle(taken: readonly Line[], left: Iterable<Line>): void {
    this.restore(left)
    for (const [key, lines] of Map.groupBy(taken, keyOf)) this.#discount(key, lines)
  }

  /** Takes all lines of a job but those on their way; they count no more. */
  takeOf(key: string): readonly Line[] {
    this.#tellDropped(key)
    const lines = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    this.#discount(key, lines)
    return lines
  }

  /** Puts lines back, before those of their jobs that have come meanwhile. */
  restore(lines: Iterable<Line>): void {
    for (const [key, first] of Map.groupBy(lines, keyOf)) {
      for (const line of first) this.#count(key, line)
      this.#waiting.set(key, [...first, ...(this.#waiting.get(key) ?? [])])
    }
  }

  clear(): void {
    this.#waiting.clear()
    this.#unstored.clear()
    this.#length = 0
  }

  #add(key: string, line: Line): void {
    this.#count(key, line)
    const lines = this.#waiting.get(key)
    if (lines === undefined) this.#waiting.set(key, [line])
    else lines.push(line)
  }

  #count(key: string, line: Line): void {
    const length = lengthOf(line)
    this.#length += length
    const unstored = this.#unstored.get(key)
    if (unstored === undefined) this.#unstored.set(key, { length, dropped: undefined })
    else unstored.length += length
  }

  /** Lines of a job count no more. If that makes room, a line tells how many have been dropped. */
  #discount(key: string, lines: readonly Line[]): void {
    const unstored = this.#unstored.get(key)
    if (unstored === undefined) return
    for (const line of lines) {
      this.#length -= lengthOf(line)
      unstored.length -= lengthOf(line)
    }
    if (unstored.length < MAX_JOB_LENGTH) this.#tellDropped(key)
    if (unstored.length === 0) this.#unstored.delete(key)
  }

  #tellDropped(key: string): void {
    const unstored = this.#unstored.get(key)
    if (unstored?.dropped === undefined) return
    const { count, ...first } = unstored.dropped
    unstored.dropped = undefined
    const message = `${count} log lines were dropped here: too many waited to be stored`
    this.#add(key, { ...first, level: 'warn', message, fields: `{"dropped":${count}}` })
  }
}

function lengthOf({ message, fields }: Line): number {
  return LINE_LENGTH + message.length + (fields?.length ?? 0)
}
