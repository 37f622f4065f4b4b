import { MigrateError } from '../../../src/migrate.ts'

/** Why a migration was refused; fails if it was not. */
export async function refused(migration: Promise<unknown>): Promise<MigrateError> {
  const outcome = await migration.catch((error: unknown) => error)
  if (outcome instanceof MigrateError) return outcome
  throw new Error('it should have been refused by a MigrateError', { cause: outcome })
}
