import type { Pool } from 'pg'
import type { Id } from '../database.ts'
import { JobtableError } from '../errors.ts'
import { type DatabaseOptions, withDatabase } from './connect.ts'
import { EXIT } from './exit.ts'
import { printFailure } from './failure.ts'
import { note, printJson } from './output.ts'

/**
 * Does the same to several jobs. A refusal is told and makes the exit code 5, but does not keep the
 * others from their turn.
 */
export async function forEachJob(
  ids: readonly Id[],
  options: DatabaseOptions & { readonly json?: boolean },
  command: string,
  act: (database: Pool, id: Id) => Promise<{ readonly done: string; readonly said: string }>,
): Promise<void> {
  const outcomes: { readonly id: Id; readonly done: string }[] = []
  await withDatabase(options, command, async (database) => {
    for (const id of ids) {
      try {
        const { done, said } = await act(database, id)
        outcomes.push({ id, done })
        if (options.json !== true) note(`job ${id} ${said}`)
      } catch (error) {
        if (!(error instanceof JobtableError)) throw error
        printFailure(error)
        process.exitCode = EXIT.refused
      }
    }
  })
  if (options.json === true) printJson(outcomes)
}
