import { Client } from 'pg'
import { z } from 'zod'
import { Backoff } from './backoff.ts'
import type { Database } from './database.ts'
import { compare, type SchemaStatus } from './migrate/compare.ts'
import { MigrateError, type MigrateErrorCode, sentence } from './migrate/error.ts'
import { closing, OPENING, type Plan, planFor, type Step } from './migrate/plan.ts'
import { LOCK_HOLDERS } from './migrate/queries.ts'
import { refusable } from './migrate/refusal.ts'
import { loadSource, type Source, type SourceOptions } from './migrate/source.ts'
import { readState } from './migrate/state.ts'

export type { SchemaStatus } from './migrate/compare.ts'
export { MigrateError } from './migrate/error.ts'
export { type Plan, plan, renderSql, type Step } from './migrate/plan.ts'
export type { SourceOptions } from './migrate/source.ts'

export interface MigrateOptions extends SourceOptions {
  /** Where the database is. Default: what the environment's `PG*` say. */
  readonly connectionString?: string | undefined
  /** Only finds out what would be done. Default: false. */
  readonly dryRun?: boolean
  /** How long to go on trying while others hold locks, in ms. Default: {@link PATIENCE_MS}. */
  readonly patienceMs?: number
  /** Called before each step. They begin anew after a lock could not be had. */
  readonly onStep?: (step: Step) => void
  /** Called with what a person should know although nothing is wrong. */
  readonly onNotice?: (message: string) => void
}

export interface MigrateResult {
  /** What the database was. One that was `ok` or `ahead-compatible` keeps what it has. */
  readonly found: Plan['status']
  /** What the database is now, for people. */
  readonly message: string
  /** Names of the steps taken, or to be taken if it was a dry run. Empty: nothing to do. */
  readonly steps: readonly string[]
}

/** One minute: longer than a client's ordinary transaction, not too long for a deployment. */
export const PATIENCE_MS = 60_000

/**
 * Installs jobtable in a database, or brings it up to date, in one transaction. Any number may run
 * at once; a second run finds nothing to do. A newer version's database is left as it is, or
 * refused if this version cannot work with it. The role needs CREATE on the database, and then owns
 * the two schemas; it need not be a superuser.
 *
 * @throws MigrateError, or what `pg` throws if the server cannot be reached
 */
export async function migrate(options: MigrateOptions = {}): Promise<MigrateResult> {
  const source = await loadSource(options)
  const client = new Client({
    connectionString: options.connectionString,
    application_name: 'jobtable migrate',
  })
  // The query that finds the connection lost fails; the event as such would end the process.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const first = await feasiblePlan(client, source)
    for (const notice of first.notices) options.onNotice?.(notice)
    const mustInstall = first.steps.length > 0 && options.dryRun !== true
    const { status, steps } = mustInstall
      ? await untilUnlocked(client, options, () => install(client, source, options))
      : first
    return {
      found: status,
      message: sentence(compare(source, await readState(client))),
      steps: steps.map(({ name }) => name),
    }
  } finally {
    await client.end()
  }
}

export interface SchemaCheck {
  readonly status: SchemaStatus
  /** For people: names the database, the fact and, unless all is well, the remedy. */
  readonly message: string
}

/**
 * Compares the database with this version of jobtable. Only reads, and also works through a pooler.
 *
 * @throws MigrateError `checksum_mismatch`, `history_gap`, `server_too_old`, `no_permission`
 */
export async function checkSchema(
  database: Database,
  options: SourceOptions = {},
): Promise<SchemaCheck> {
  const comparison = compare(await loadSource(options), await readState(database))
  return { status: comparison.status, message: sentence(comparison) }
}

/**
 * Resolves if this version of jobtable can work with the database: it is this version's, or that of
 * a newer one that is compatible.
 *
 * @throws MigrateError `schema_missing`, `schema_behind`, `schema_ahead`; as {@link checkSchema}
 */
export async function requireSchema(
  database: Database,
  options: SourceOptions = {},
): Promise<void> {
  const comparison = compare(await loadSource(options), await readState(database))
  const code = UNUSABLE[comparison.status]
  if (code !== null) throw new MigrateError(code, comparison)
}

const UNUSABLE: Readonly<Record<SchemaStatus, MigrateErrorCode | null>> = {
  ok: null,
  missing: 'schema_missing',
  behind: 'schema_behind',
  'ahead-compatible': null,
  'ahead-breaking': 'schema_ahead',
}

async function feasiblePlan(client: Client, source: Source): Promise<Plan> {
  const plan = planFor(source, await readState(client))
  if (plan.obstacle !== null) throw plan.obstacle
  return plan
}

/** One attempt. It plans again under the lock: whoever held it before has changed the database. */
async function install(client: Client, source: Source, options: MigrateOptions): Promise<Plan> {
  try {
    for (const step of OPENING) await take(client, step)
    const plan = await feasiblePlan(client, source)
    for (const step of closing(plan)) {
      if (plan.steps.includes(step)) options.onStep?.(step)
      await take(client, step)
    }
    return plan
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

async function take(client: Client, { name, sql }: Step): Promise<void> {
  await refusable(name, sql, () => client.query(sql))
}

/** Repeats an attempt that could not have a lock, until patience ends. */
async function untilUnlocked<T>(
  client: Client,
  { patienceMs = PATIENCE_MS, onNotice }: MigrateOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  const backoff = new Backoff()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof MigrateError && error.code === 'lock_timeout')) throw error
      const holders = await lockHolders(client)
      if (performance.now() > deadline) throw outOfPatience(holders, error)
      onNotice?.(`waiting for locks held by ${holders}`)
      // Whoever queued up behind the lock that could not be had goes first.
      await backoff.pause()
    }
  }
}

function outOfPatience(holders: string, cause: MigrateError): MigrateError {
  return new MigrateError(
    'lock_timeout',
    {
      object: 'jobtable migrate',
      fact: `could not have its locks, held by ${holders}`,
      remedy: 'end their transactions, or try again when the database is less busy',
    },
    { cause },
  )
}

async function lockHolders(client: Client): Promise<string> {
  const { rows } = await client.query(LOCK_HOLDERS)
  const holders = z.array(z.object({ holder: z.string() })).parse(rows)
  return holders.map(({ holder }) => holder).join(', ') || 'sessions that have ended meanwhile'
}
