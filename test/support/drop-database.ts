import pg from 'pg'

/** PostgreSQL waits 5 s for others to leave a database before it refuses; autovacuum needs no longer. */
export const BUSY_ATTEMPTS = 5
const OBJECT_IN_USE = '55006'

/** Whether a database could not be had because somebody is connected to it. */
export function isBusy(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === OBJECT_IN_USE
}

/**
 * Removes a database, whoever is connected. `with (force)` is refused to an ordinary role while
 * autovacuum is at work there; without it PostgreSQL sends autovacuum away by itself.
 */
export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await client.query(
      `select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
       where datname = $1 and pg_has_role(usesysid, 'member')`,
      [name],
    )
    try {
      await client.query(`drop database if exists ${name}`)
      return
    } catch (error) {
      if (!isBusy(error) || attempt === BUSY_ATTEMPTS) throw error
    }
  }
}
