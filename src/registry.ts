import { withRetry } from './backoff.ts'
import type { Database } from './database.ts'
import { codeOf, ExecutorError, NOT_PERMITTED } from './errors.ts'
import type { Executor } from './executor.ts'
import { exportPayloadSchema, type JsonSchema } from './payload-schema.ts'
import {
  type DeclaredType,
  registerType,
  setUp,
  unsettledDefaults,
} from './queries/registration.ts'

/** A type as the database knows it, with what the dispatcher needs of it. */
export interface RegisteredType {
  readonly id: number
  readonly name: string
  readonly concurrency: number
  /** Its lanes: from this one on … */
  readonly fromLane: number
  /** … to this one, which is not its own. */
  readonly toLane: number
}

/** Lanes of a type: one a priority, as jobtable_internal.lane() numbers them. */
const LANES_OF_A_TYPE = 65_536

/** How long an executor's setup may be held up by the locks of others, in milliseconds. */
const SETUP_PATIENCE_MS = 60_000

/** What is told of defaults that may differ at each start: whether somebody has changed them nobody knows. */
export const UNSETTLED: string =
  'defaults of payloads were others in each of the last three schemas declared: if nobody has changed ' +
  'them, they differ at each start, and each declares a new schema; ' +
  'write .default(() => …) for what depends on the time, and leave the rest to execute'

const SETUP_RIGHTS =
  'The role needs a right to all that the setup does; to make a table, CREATE on its schema: ' +
  'grant create on schema … to …'

/**
 * Makes the executors' types known to the database, in one order everywhere: no deadlocks. Before that
 * it runs their setup; throws an ExecutorError if that fails. Tells of types with defaults that were
 * others in each of the last three schemas, and where they are.
 */
export async function register(
  database: Database,
  executors: readonly Executor[],
  onUnsettled: (type: string, defaults: readonly string[]) => void,
): Promise<RegisteredType[]> {
  const types: RegisteredType[] = []
  for (const executor of executors.toSorted((a, b) => (a.type < b.type ? -1 : 1))) {
    if (executor.setup !== undefined) await prepare(database, executor.type, executor.setup)
    const schema = payloadSchemaOf(executor)
    const id = await registerType(database, executor.type, declared(executor), schema)
    types.push({
      id,
      name: executor.type,
      concurrency: executor.concurrency,
      fromLane: id * LANES_OF_A_TYPE,
      toLane: (id + 1) * LANES_OF_A_TYPE,
    })
  }
  const ids = types.map(({ id }) => id)
  for (const { type, defaults } of await unsettledDefaults(database, ids)) {
    onUnsettled(type, defaults)
  }
  return types
}

/** An executor's definition as columns of jobtable.job_type. */
function declared(executor: Executor): DeclaredType {
  const { backoff } = executor
  return {
    description: executor.description ?? null,
    priority: executor.priority,
    max_attempts: executor.maxAttempts,
    timeout: executor.timeout,
    backoff: backoff.kind,
    backoff_delay: backoff.delay,
    backoff_limit: backoff.limit,
    backoff_jitter: backoff.jitter,
    retention: executor.retention,
    failed_retention: executor.failedRetention,
    facets: executor.facets === undefined ? null : Object.keys(executor.facets),
  }
}

async function prepare(database: Database, type: string, setup: string): Promise<void> {
  try {
    const patience = AbortSignal.timeout(SETUP_PATIENCE_MS)
    await withRetry(() => setUp(database, setup), patience)
  } catch (cause) {
    const fact = cause instanceof Error ? cause.message : String(cause)
    throw new ExecutorError('executor_setup', `executor "${type}": its setup failed: ${fact}`, {
      cause,
      hint: codeOf(cause) === NOT_PERMITTED ? SETUP_RIGHTS : undefined,
    })
  }
}

/** Null for an executor whose schema exports no JSON Schema: its worker alone checks. */
function payloadSchemaOf({ type, payload }: Executor): JsonSchema | null {
  if (payload === undefined) return null
  try {
    return exportPayloadSchema(payload) ?? null
  } catch (cause) {
    const fact = cause instanceof Error ? cause.message : String(cause)
    throw new ExecutorError(
      'executor_schema',
      `executor "${type}": its payload has no JSON Schema: ${fact}`,
      { cause },
    )
  }
}
