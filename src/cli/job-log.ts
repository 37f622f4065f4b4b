import type { Pool } from 'pg'
import type { Id } from '../database.ts'
import { type LogLine, logsAfter } from '../queries/jobs.ts'
import { harmless, paint } from './output.ts'
import { timeText } from './time.ts'

/** Lines that are read at once. */
const BATCH = 1_000

/** Reads a job's log lines, each once. */
export class LogFollower {
  readonly #database: Pool
  readonly #job: Id
  #after: Id = '-1'

  constructor(database: Pool, job: Id) {
    this.#database = database
    this.#job = job
  }

  /** The lines since the last call, at most as many as fit into memory with ease. */
  async next(): Promise<readonly LogLine[]> {
    const lines = await logsAfter(this.#database, this.#job, this.#after, BATCH)
    this.#after = lines.at(-1)?.id ?? this.#after
    return lines
  }

  /** All lines since the last call, a batch at a time. */
  async *rest(): AsyncIterable<LogLine> {
    for (let lines = await this.next(); lines.length > 0; lines = await this.next()) yield* lines
  }
}

/** A log line as one for people. */
export function logText(line: LogLine): string {
  const fields = Object.entries(line.fields ?? {})
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')
  const text = harmless(`${line.message}${fields}`)
  return `${paint('dim', timeText(line.at))} ${line.level.padEnd(5)} ${text}`
}
