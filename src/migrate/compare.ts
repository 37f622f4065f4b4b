import { type Finding, MigrateError } from './error.ts'
import { checkServer } from './server.ts'
import type { Migration, Source } from './source.ts'
import type { State } from './state.ts'

/**
 * What a database is to one version of jobtable:
 *
 * | status | meaning |
 * | --- | --- |
 * | `ok` | it is exactly this version's |
 * | `missing` | it has no jobtable |
 * | `behind` | it lacks something of this version |
 * | `ahead-compatible` | it is a newer version's, and this one can work with it |
 * | `ahead-breaking` | it is a newer version's, and this one must not work with it |
 */
export type SchemaStatus = 'ok' | 'missing' | 'behind' | 'ahead-compatible' | 'ahead-breaking'

export interface Comparison extends Finding {
  readonly status: SchemaStatus
  /** Migrations that the database still needs. */
  readonly pending: readonly Migration[]
}

const MIGRATE = 'run "jobtable migrate"'

/**
 * Compares a version's SQL with a database.
 * @throws MigrateError `server_too_old`, `checksum_mismatch`, `history_gap`
 */
export function compare(source: Source, state: State): Comparison {
  checkServer(state)
  const applied = new Set(state.migrations.map(({ version }) => version))
  const pending = source.migrations.filter(({ version }) => !applied.has(version))
  checkChecksums(source, state)
  checkGaps(source, state, pending)

  const due = source.migrations.length
  const own = source.packageVersion
  const found = (status: SchemaStatus, fact: string, remedy: string | null): Comparison => ({
    object: `jobtable in database "${state.database}"`,
    status,
    fact,
    remedy,
    pending,
  })

  if (state.installed === null) return found('missing', 'is not installed', MIGRATE)
  const installed = state.installed.packageVersion

  const unknown = state.migrations.filter(({ version }) => version > due)
  const breaking = unknown.findLast((migration) => migration.breaking)
  if (breaking !== undefined) {
    const migration = `migration ${breaking.version} (${breaking.name})`
    const fact = `has ${migration}, which ${own} cannot work with`
    return found('ahead-breaking', fact, `use jobtable ${installed} or newer`)
  }
  const newest = unknown.at(-1)
  if (newest !== undefined) {
    const fact = `is at migration ${newest.version} of ${installed}, which ${own} can work with`
    return found('ahead-compatible', fact, null)
  }
  if (pending.length > 0) {
    return found('behind', `is at migration ${applied.size} of ${due}`, MIGRATE)
  }
  if (state.installed.routinesHash === source.routinesHash) {
    return found('ok', `is up to date with ${own}, at migration ${due}`, null)
  }
  if (compareVersions(installed, own) > 0) {
    return found(
      'ahead-compatible',
      `has the functions of ${installed}, which ${own} can work with`,
      null,
    )
  }
  return found(
    'behind',
    `has functions of ${installed} that differ from those of this ${own}`,
    MIGRATE,
  )
}

function checkChecksums(source: Source, state: State): void {
  for (const applied of state.migrations) {
    const file = source.migrations[applied.version - 1]
    if (file === undefined || file.checksum === applied.checksum) continue
    throw new MigrateError('checksum_mismatch', {
      object: `migration ${applied.version} (${applied.name}) in database "${state.database}"`,
      fact: `was applied from another text than sql/${file.path} now has`,
      remedy: 'restore the file, and make the change a migration of its own',
    })
  }
}

/** A migration may only be pending if nothing that came after it has been installed. */
function checkGaps(source: Source, state: State, pending: readonly Migration[]): void {
  const last = state.migrations.at(-1)?.version ?? 0
  const installed = state.installed?.packageVersion ?? source.packageVersion
  const isNewer = compareVersions(installed, source.packageVersion) > 0
  const skipped = pending.find(({ version }) => version < last || isNewer)
  if (skipped === undefined) return
  const later = skipped.version < last ? `migration ${last}` : `the newer version ${installed}`
  throw new MigrateError('history_gap', {
    object: `migration ${skipped.version} (${skipped.name}) in database "${state.database}"`,
    fact: `is missing, although ${later} has been installed`,
    remedy: 'restore the table jobtable_internal.migration from a backup',
  })
}

const natural = new Intl.Collator('en', { numeric: true })

/**
 * Orders versions as semantic versioning does, leaving build metadata aside.
 * Negative if `a` is the older one, 0 if they are equal.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)]
  if (left.core !== right.core) return natural.compare(left.core, right.core)
  // A release is newer than its own prereleases.
  if (left.prerelease === '' || right.prerelease === '') {
    return right.prerelease.length - left.prerelease.length
  }
  return natural.compare(left.prerelease, right.prerelease)
}

function parts(version: string): { core: string; prerelease: string } {
  const [, core = version, prerelease = ''] = /^([^-+]*)-?([^+]*)/.exec(version) ?? []
  return { core, prerelease }
}
