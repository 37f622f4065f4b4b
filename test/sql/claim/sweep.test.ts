import { expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs } from '../../support/job.ts'
import { startTicker } from '../../support/ticker.ts'

const database = useDatabase()

async function entryCount(type: string): Promise<unknown> {
  const [row] = await database().query(
    `select count(*)::int as count from jobtable_internal.ready r
     join jobtable.job_type t on r.lane >> 16 = t.id where t.name = $1`,
    [type],
  )
  return row?.['count']
}

test('a hundred thousand jobs deleted before they began cost the next claims little', async () => {
  const ticker = await startTicker(database(), 'dropped')
  await insertJobs(database(), 'dropped', 100_000)
  await database().query(`delete from jobtable.job where type = 'dropped'`)
  const id = await insertJob(database(), 'dropped')
  let ticks = 0
  let found: string | undefined
  while (found === undefined && ticks < 20) {
    ticks += 1
    const answer = await ticker.tick({ ranges: ticker.ranges(), slots: 10 })
    expect(answer.more || answer.claimed.length > 0).toBe(true)
    found = answer.claimed[0]?.id
  }
  expect(found).toBe(id)
  expect(await entryCount('dropped')).toBe(0)
})

test('entries that are half gone lose what is gone, and keep their order', async () => {
  const ticker = await startTicker(database(), 'thinned')
  const ids = await insertJobs(database(), 'thinned', 2_400)
  await database().query(`delete from jobtable.job where type = 'thinned' and id % 5 <> 0`)
  const left = ids.filter((id) => BigInt(id) % 5n === 0n)
  const claimed: string[] = []
  for (let n = 0; n < 100 && claimed.length < left.length; n += 1) {
    claimed.push(...(await ticker.claim({ slots: 20 })).map((job) => job.id))
  }
  expect(claimed).toEqual(left)
})

test('entries of jobs that are not gone are left alone by a sweep', async () => {
  const ticker = await startTicker(database(), 'swept')
  const ids = await insertJobs(database(), 'swept', 500)
  await database().query('delete from jobtable.job where id = any ($1)', [ids.slice(0, 10)])
  const jobs = await ticker.claim({ slots: 5 })
  const rest = await ticker.claim()
  expect([...jobs, ...rest].map((job) => job.id)).toEqual(ids.slice(10))
})
