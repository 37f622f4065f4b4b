import type { Client } from 'pg'

/**
 * Bytes of full-page images between two WAL positions, by the contrib module pg_walinspect of the server
 * itself. Undefined where it is missing or the WAL is no longer there.
 */
export async function pageImageBytes(
  admin: Client,
  from: string,
  to: string,
): Promise<number | undefined> {
  try {
    await admin.query('create extension if not exists pg_walinspect')
    const { rows } = await admin.query<{ bytes: string }>(
      'select sum(fpi_size) as bytes from pg_get_wal_stats($1, $2)',
      [from, to],
    )
    return Number(rows[0]?.bytes)
  } catch {
    return undefined
  }
}
