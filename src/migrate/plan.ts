import { escapeIdentifier, escapeLiteral } from 'pg'
import type { Database } from '../database.ts'
import { type Comparison, compare, compareVersions, type SchemaStatus } from './compare.ts'
import { MigrateError, sentence } from './error.ts'
import { TAKE_INSTALLER_LOCK } from './queries.ts'
import { serverNotices } from './server.ts'
import {
  loadSource,
  type Migration,
  type Source,
  type SourceOptions,
  type SqlFile,
} from './source.ts'
import { readState, type State } from './state.ts'

/** Statements that belong together. */
export interface Step {
  /** Such as `migrations/0002_job.sql`. */
  readonly name: string
  readonly sql: string
}

/** What it takes to bring one database, as it is now, to one version. */
export interface Plan {
  /** What the database was found to be. */
  readonly status: Exclude<SchemaStatus, 'ahead-breaking'>
  /** The same for people: names the database and the fact. */
  readonly message: string
  /** The version that the steps lead to. */
  readonly packageVersion: string
  /** What is to be done, in this order; nothing to do if empty. */
  readonly steps: readonly Step[]
  /** Fails if the database is no longer as it was when the plan was made. */
  readonly guard: Step
  /** Why it cannot be carried out here, by this role; it may still be printed for another one. */
  readonly obstacle: MigrateError | null
  /** What a person should know although nothing is wrong. */
  readonly notices: readonly string[]
}

/**
 * Compares the database with a version's SQL. Changes nothing.
 *
 * @throws MigrateError `schema_ahead`, `checksum_mismatch`, `history_gap`, `server_too_old`,
 *   `no_permission`, `bad_source`
 */
export async function plan(database: Database, options: SourceOptions = {}): Promise<Plan> {
  return planFor(await loadSource(options), await readState(database))
}

/** As {@link plan}, of what has been read already. */
export function planFor(source: Source, state: State): Plan {
  const comparison = compare(source, state)
  if (comparison.status === 'ahead-breaking') throw new MigrateError('schema_ahead', comparison)
  const steps = stepsTo(source, state, comparison)
  return {
    status: comparison.status,
    message: sentence({ ...comparison, remedy: null }),
    packageVersion: source.packageVersion,
    steps,
    guard: guardOf(state),
    obstacle: steps.length === 0 ? null : obstacleIn(state),
    notices: serverNotices(state),
  }
}

/** How long installers wait for each other: longer than any migration should take. */
const INSTALLER_LOCK_TIMEOUT = '10min'

/** How long a step may wait for a lock, and have others wait behind it: too short to do harm. */
const LOCK_TIMEOUT = '2s'

/**
 * How every installation begins. All settings end with the transaction, so that it works through a
 * pooler. Read committed, whatever the database's default is: what is read after the lock has been
 * had must not be older than that.
 */
export const OPENING: readonly Step[] = [
  { name: 'begin', sql: 'begin isolation level read committed read write;' },
  {
    name: 'settings',
    sql: `set local search_path = pg_catalog, pg_temp;
set local client_encoding = 'UTF8';
set local client_min_messages = warning;
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local lock_timeout = '${INSTALLER_LOCK_TIMEOUT}';`,
  },
  { name: 'one installer at a time', sql: TAKE_INSTALLER_LOCK },
  { name: 'lock timeout', sql: `set local lock_timeout = '${LOCK_TIMEOUT}';` },
]

/** What follows {@link OPENING}. */
export function closing({ guard, steps }: Plan): readonly Step[] {
  return [guard, ...steps, { name: 'commit', sql: 'commit;' }]
}

/** The plan as a script for psql: the very statements of {@link OPENING} and {@link closing}. */
export function renderSql(plan: Plan): string {
  // In quotes, a name may hold anything, even the end of a comment's line.
  const found = `-- ${plan.message.replaceAll(/\s/g, ' ')}\n`
  if (plan.steps.length === 0) return found
  const aim = `-- Brings it to ${plan.packageVersion}, all or nothing: psql -v ON_ERROR_STOP=1\n`
  const steps = [...OPENING, ...closing(plan)].map(({ name, sql }) => `\n-- ${name}\n${sql}\n`)
  return [found, aim, ...steps].join('')
}

function stepsTo(source: Source, state: State, { status, pending }: Comparison): Step[] {
  if (status === 'ok') return isNewer(source, state) ? [recordVersion(source)] : []
  if (status !== 'missing' && status !== 'behind') return []
  return [
    ...missingSchemas(state),
    fileStep(source.bootstrap),
    REMEMBER_OBJECTS,
    ...source.early.map(fileStep),
    ...pending.map(migrationStep),
    ...source.routines.map(fileStep),
    // Before the grants: GRANT ON ALL FUNCTIONS writes each of them, and none looks left over then.
    recordInstallation(source),
    ...source.finish.map(fileStep),
    // Lets PostgREST, where there is one, learn the new shape.
    { name: 'notify PostgREST', sql: `notify pgrst, 'reload schema';` },
  ]
}

/** Only those: `create schema if not exists` needs CREATE on the database even if it exists. */
function missingSchemas(state: State): Step[] {
  return ['jobtable', 'jobtable_internal']
    .filter((schema) => !state.schemas.includes(schema))
    .map((schema) => ({ name: `schema ${schema}`, sql: `create schema ${schema};` }))
}

function fileStep({ path, sql }: SqlFile): Step {
  const text = sql.trimEnd()
  return { name: path, sql: text.endsWith(';') ? text : `${text}\n;` }
}

function migrationStep(migration: Migration): Step {
  const { name, sql } = fileStep(migration)
  const values = [
    migration.version,
    escapeLiteral(migration.name),
    escapeLiteral(migration.checksum),
    migration.breaking,
  ].join(', ')
  const record = `insert into jobtable_internal.migration (version, name, checksum, breaking)
values (${values});`
  return { name, sql: `${sql}\n\n${record}` }
}

const REMEMBER_OBJECTS: Step = {
  name: 'remember what is there',
  sql: `select set_config(
  'jobtable.objects_before',
  (
    select coalesce(json_object_agg(o.object, o.row_version), '{}')::text
    from jobtable_internal.installed_objects() o
  ),
  true
);`,
}

function recordInstallation({ packageVersion, routinesHash }: Source): Step {
  return {
    name: 'record the installation, drop what it no longer has',
    sql: `select jobtable_internal.record_installation(
  package_version => ${escapeLiteral(packageVersion)},
  routines_hash => ${escapeLiteral(routinesHash)},
  objects_before => current_setting('jobtable.objects_before')::jsonb
);`,
  }
}

function isNewer(source: Source, { installed }: State): boolean {
  return installed !== null && compareVersions(source.packageVersion, installed.packageVersion) > 0
}

function recordVersion({ packageVersion }: Source): Step {
  return {
    name: 'record the version',
    sql: `update jobtable_internal.installed
set package_version = ${escapeLiteral(packageVersion)}, updated_at = now();`,
  }
}

function guardOf({ hasBooks, installed, migrations }: State): Step {
  const changed = hasBooks
    ? `(select max(m.version) from jobtable_internal.migration m)
    is distinct from ${migrations.at(-1)?.version ?? 'null'}
    or (select i.routines_hash from jobtable_internal.installed i)
    is distinct from ${installed === null ? 'null' : escapeLiteral(installed.routinesHash)}`
    : `to_regclass('jobtable_internal.installed') is not null`
  return {
    name: 'only on a database as it was when this was planned',
    sql: `do $guard$
begin
  if ${changed} then
    raise exception 'the database has changed since this was planned'
      using errcode = 'object_not_in_prerequisite_state', hint = 'Plan it again.';
  end if;
end
$guard$;`,
  }
}

function obstacleIn(state: State): MigrateError | null {
  const { database, isStandby, role, schemasOfOthers } = state
  if (isStandby) {
    return new MigrateError('read_only', {
      object: `database "${database}"`,
      fact: 'is on a standby server',
      remedy: 'connect to the server that takes writes',
    })
  }
  const object = `role "${role}" in database "${database}"`
  if (schemasOfOthers.length > 0) {
    return new MigrateError('no_permission', {
      object,
      fact: `does not own schema ${schemasOfOthers.join(' and ')}`,
      remedy: 'use the role that does, or make this one a member of it',
    })
  }
  if (missingSchemas(state).length > 0 && !state.mayCreateSchemas) {
    const [on, to] = [escapeIdentifier(database), escapeIdentifier(role)]
    return new MigrateError('no_permission', {
      object,
      fact: 'may not create a schema',
      remedy: `have the database's owner run: grant create on database ${on} to ${to}`,
    })
  }
  return null
}
