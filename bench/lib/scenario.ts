import type { Settings } from '../systems/system.ts'
import type { Bench } from './bench.ts'
import type { Contender } from './contender.ts'
import type { Figures } from './figures.ts'

/** A benchmark of its own. */
export interface Scenario {
  readonly name: string
  /** One line: what it measures. */
  readonly purpose: string
  /** How often each cell is measured, unless --rounds says otherwise. */
  readonly rounds: number
  /** Settings of PostgreSQL that only this scenario needs. */
  readonly postgres?: Readonly<Record<string, string>>
  /** The labels of the contenders, or the names of their systems, unless --only says otherwise. */
  readonly contenders: readonly string[]
  /** What is measured, in the order of the table. */
  readonly cells: (bench: Bench) => readonly Cell[]
}

/** One line of a scenario's table, measured for each of its contenders. */
export interface Cell {
  readonly name: string
  readonly measure: (contender: Contender) => Promise<Measured>
  /** Default: all. */
  readonly isFor?: (contender: Contender) => boolean
}

/** What one run of a cell has yielded. */
export interface Measured {
  readonly figures: Figures
  /** Where they are others than its variant's: the contender's settings. */
  readonly settings?: Settings
  /** Figures over time, one row for each moment. */
  readonly series?: readonly Figures[] | undefined
}
