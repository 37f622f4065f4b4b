import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'

const LOOK_MS = 2_000
/** As long as jobs still end, this is waited for the next one: longer than a lease and any backoff. */
const PATIENCE_MS = 60_000

const UNDONE = `
  select count(*)::integer as undone, (select last_value from chaos.seq) as seq
  from jobtable.job j
  where j.status in ('queued', 'started')
    or (j.status = 'new' and not j.paused and j.run_at <= clock_timestamp())`

/** Waits until nothing is left to do, or nothing gets done any more. */
export async function drain(
  pool: Pool,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  let last: { readonly undone: number; readonly seq: string } | undefined
  let changedAt = performance.now()
  while (!signal.aborted) {
    const [row] = (await pool.query<{ undone: number; seq: string }>(UNDONE)).rows
    if (row === undefined || row.undone === 0) return
    if (row.undone !== last?.undone) say(`${row.undone} jobs are still to end`)
    if (row.seq !== last?.seq) changedAt = performance.now()
    last = row
    if (performance.now() - changedAt > PATIENCE_MS) return
    await delay(LOOK_MS)
  }
}
