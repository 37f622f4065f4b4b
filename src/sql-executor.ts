import { types } from 'pg'
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
const { JSONB, INT8 } = types.builtins
/**
 * What `$1` and `$2` are. The driver sends the option `types` as the types of the parameters, which its
 * own do not declare, and asks it for what reads the answer, as declared.
 */
const PARAMETER_TYPES = Object.assign([JSONB, INT8], { getTypeParser: types.getTypeParser })

/**
 * Defines an executor that runs one SQL statement, in the transaction that completes the job: exactly once,
 * or not at all. The first row that it gives is the job's result. Throws an ExecutorError that names every fault.
 */
export function defineSqlExecutor<const P extends StandardSchema>(
  definition: SqlExecutorDefinition<P>,
): Executor {
  const { statement, ...rest } = definition
  const named = Array.from(statement.matchAll(PARAMETER), ([, n]) => Number(n))
  const last = Math.max(0, ...named)
  if (last > PARAMETER_TYPES.length) {
    throw new RangeError(
      `executor "${definition.type}": its statement names $${last}: $1 is the payload, $2 the job's id`,
    )
  }
  return defineExecutor<P>({
    ...rest,
    execute: async ({ job, payload, transaction }) =>
      await transaction(async (client) => {
        const { rows } = await client.query<Record<string, unknown>>({
          text: statement,
          values: [jsonText(payload), job.id],
          types: PARAMETER_TYPES,
        })
        return rows[0]
      }),
  })
}
