import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Ledger } from '../ledger.ts'
import type { Random } from '../random.ts'

type Action = (pool: Pool, job: string, ledger: Ledger, random: Random) => Promise<void>

const remove: Action = async (pool, job, ledger) => {
  const { rowCount } = await pool.query(
    `with gone as (delete from jobtable.job where id = $1 returning id)
     insert into chaos.deleted (job) select g.id from gone g`,
    [job],
  )
  if (rowCount === 1) ledger.add('delete', [job])
}

/** Jobs that take their time are rare among the last ones, so it looks for one. */
const cancel: Action = async (pool) => {
  await pool.query(
    `update jobtable.job set cancel_requested = true
     where id = (
       select j.id
       from (
         select s.job from chaos.step s where s.type = 'chaos_long' order by s.seq desc limit 20
       ) s
       join jobtable.job j on j.id = s.job and j.status = 'started'
       limit 1
     )`,
  )
}

const resubmit: Action = async (pool, job) => {
  await pool.query(
    `with again as (
       update jobtable.job set status = 'new'
       where id = $1 and status in ('completed', 'failed', 'cancelled')
       returning id
     )
     insert into chaos.resubmitted (job) select a.id from again a`,
    [job],
  )
}

const hold: Action = async (pool, job, _ledger, random) => {
  await pool.query('update jobtable.job set paused = true where id = $1', [job])
  await delay(random.integer(50, 500))
  await pool.query('update jobtable.job set paused = false where id = $1 and paused', [job])
}

const prioritise: Action = async (pool, job, _ledger, random) => {
  await pool.query('update jobtable.job set priority = $2 where id = $1', [
    job,
    random.integer(-5, 5),
  ])
}

/** Steers one of the last jobs, whatever has become of it meanwhile. */
export async function steer(pool: Pool, ledger: Ledger, random: Random): Promise<void> {
  const job = ledger.recent(random)
  if (job === undefined) return
  const act = random.pick<Action>([remove, cancel, resubmit, resubmit, hold, prioritise])
  await act(pool, job, ledger, random)
}
