import type { Checkout, Contender } from './contender.ts'
import type { PostgresServer } from './postgres.ts'
import type { RedisServer } from './redis.ts'

/** How an invocation was asked to run. */
export interface Options {
  readonly scenario: string
  readonly json: boolean
  /** Small enough to try whether it works; the figures mean little. */
  readonly quick: boolean
  /** Long enough for what only shows after minutes. */
  readonly long: boolean
  readonly checkouts: readonly string[]
  /** Names of contenders; empty: those of the scenario. */
  readonly only: readonly string[]
  /** Only cells whose name contains this; empty: all. */
  readonly cells: string
  /** Undefined: as many as the scenario wants. */
  readonly rounds: number | undefined
}

/** What a scenario has at hand. */
export interface Bench {
  readonly options: Options
  readonly checkouts: readonly Checkout[]
  readonly contenders: readonly Contender[]
  readonly postgres: PostgresServer
  /** A folder on disk that the server may read. */
  readonly dir: string
  /** Starts at its first use. */
  redis(): Promise<RedisServer>
}

/** One line on stderr: stdout is for the results. */
export function tell(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
}
