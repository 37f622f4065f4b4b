import { all, type Database, jsonText, one } from '../database.ts'
import type { JsonSchema } from '../payload-schema.ts'

/** Columns of job_type as an executor declares them; an interval as PostgreSQL writes it. */
export interface DeclaredType {
  readonly description: string | null
  readonly priority: number
  readonly max_attempts: number
  readonly timeout: string | null
  readonly backoff: 'fixed' | 'exponential'
  readonly backoff_delay: string
  readonly backoff_limit: string
  readonly backoff_jitter: number
  /** Null keeps finished jobs for ever. */
  readonly retention: string | null
  readonly failed_retention: string | null
  /** The facet tables that it declares, by name; null: none. */
  readonly facets: readonly string[] | null
}

/**
 * Registers a type and answers its id.
 *
 * @param payloadSchema what a payload must be; null takes any object
 */
export async function registerType(
  database: Database,
  name: string,
  declared: Partial<DeclaredType>,
  payloadSchema: JsonSchema | null = null,
): Promise<number> {
  const row = await one<{ id: number }>(
    database,
    'select jobtable_internal.register_type($1, $2, $3) as id',
    [name, jsonText(declared), payloadSchema === null ? null : jsonText(payloadSchema)],
  )
  return row.id
}

/** Defaults that were others in each of the last three schemas: JSON pointers into a type's schema of payloads. */
export interface UnsettledDefaults {
  readonly type: string
  readonly defaults: readonly string[]
}

export async function unsettledDefaults(
  database: Database,
  types: readonly number[],
): Promise<UnsettledDefaults[]> {
  return await all<UnsettledDefaults>(
    database,
    'select type, defaults from jobtable_internal.unsettled_defaults($1)',
    [types],
  )
}

/** How long the SQL of an executor waits for a lock, lest everybody queue up behind it. */
const SETUP_LOCK_TIMEOUT = '2s'

/**
 * Runs the SQL of an executor as one transaction, of which there is never more than one at a time: of
 * two that create the same table at once, one would fail.
 */
export async function setUp(database: Database, sql: string): Promise<void> {
  await database.query(
    `select set_config('lock_timeout', '${SETUP_LOCK_TIMEOUT}', true),
       pg_advisory_xact_lock(hashtextextended('jobtable: setup of executors', 0));
     ${sql}`,
  )
}
