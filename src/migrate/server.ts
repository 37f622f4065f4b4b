import { MigrateError } from './error.ts'
import type { State } from './state.ts'

/** Older servers lack what the SQL uses, such as security_invoker views. */
const OLDEST_SERVER = 15

/** Newer servers are not tested yet. */
const NEWEST_SERVER = 18

/** @throws MigrateError `server_too_old` */
export function checkServer({ database, serverVersion, serverVersionNumber }: State): void {
  if (majorOf(serverVersionNumber) >= OLDEST_SERVER) return
  throw new MigrateError('server_too_old', {
    object: `database "${database}"`,
    fact: `runs on PostgreSQL ${serverVersion}`,
    remedy: `jobtable needs PostgreSQL ${OLDEST_SERVER} to ${NEWEST_SERVER}`,
  })
}

/** What a person should know although nothing is wrong. */
export function serverNotices({ database, serverVersion, serverVersionNumber }: State): string[] {
  if (majorOf(serverVersionNumber) <= NEWEST_SERVER) return []
  const newer = `PostgreSQL ${serverVersion}, newer than any that this jobtable was tested on`
  return [`database "${database}" runs on ${newer}`]
}

function majorOf(serverVersionNumber: number): number {
  return Math.floor(serverVersionNumber / 10_000)
}
