import type { QueryConfig } from 'pg'
import { jsonText } from './database.ts'
import {
  defineExecutor,
  type Executor,
  type ExecutorDefinition,
  type FacetShapes,
} from './executor.ts'
import type { StandardSchema } from './standard-schema.ts'

/** What an executor in SQL is made of. */
export interface SqlExecutorDefinition<P extends StandardSchema>
  extends Omit<ExecutorDefinition<P, FacetShapes, unknown>, 'execute' | 'facets' | 'onAbort'> {
  /**
   * One statement, such as `call refresh_totals($1)` or `select … from jsonb_to_record($1) as …`. It may
   * name `$1`, the payload as jsonb, and `$2`, the job's id as bigint. A procedure must not COMMIT.
   */
  readonly statement: string
}

const PARAMETER = /\$(\d+)/g
const KNOWN_PARAMETERS = 2

/**
 * Defines an executor that runs one SQL statement, in the transaction that completes the job: exactly once,
 * or not at all. The first row that it gives is the job's result. Throws an ExecutorError that names every fault.
 */
export function defineSqlExecutor<const P extends StandardSchema>(
  definition: SqlExecutorDefinition<P>,
): Executor {
  const { statement, ...rest } = definition
  const named = Array.from(statement.matchAll(PARAMETER), ([, n]) => Number(n))
  const count = Math.max(0, ...named)
  if (count > KNOWN_PARAMETERS) {
    throw new RangeError(
      `executor "${definition.type}": its statement names $${count}: $1 is the payload, $2 the job's id`,
    )
  }
  return defineExecutor<P>({
    ...rest,
    execute: async ({ job, payload, transaction }) =>
      await transaction(async (client) => {
        const values = [jsonText(payload), job.id].slice(0, count)
        // The extended protocol takes one statement and no more, also where it has no values.
        const query: QueryConfig & { readonly queryMode: 'extended' } = {
          text: statement,
          values,
          queryMode: 'extended',
        }
        const { rows } = await client.query<Record<string, unknown>>(query)
        return rows[0]
      }),
  })
}
