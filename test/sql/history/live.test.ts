import { expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob, insertJobs } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

test('the ids of what changes are notified, once a statement and type, and of live types alone', async () => {
  await addTypes(database(), 'shown', 'hidden')
  await database().query(`update jobtable.job_type set live = true where name = 'shown'`)
  const ticker = await startTicker(database(), 'shown', 'hidden')
  await using listener = await openSession(database())
  const heard: unknown[] = []
  listener.client.on('notification', ({ payload }) => heard.push(JSON.parse(payload ?? '')))
  await listener.query('listen jobtable_live')
  const told = async (): Promise<unknown[]> => {
    await listener.query('select')
    return heard.splice(0)
  }

  const ids = await insertJobs(database(), 'shown', 3)
  const all = { type: 'shown', ids: ids.map(Number) }
  expect(await told()).toEqual([all])
  await insertJob(database(), 'hidden')
  expect(await told()).toEqual([])

  const jobs = await ticker.claim()
  expect(await told()).toEqual([all])
  await ticker.finish(jobs.map((job) => outcome(job, 'completed')))
  expect(await told()).toEqual([all])
  await database().query('delete from jobtable.job where id = $1', [ids[0]])
  expect(await told()).toEqual([{ type: 'shown', ids: [Number(ids[0])] }])

  await insertJobs(database(), 'shown', 5_000)
  expect(await told()).toEqual([{ type: 'shown' }])
  await insertJobs(database(), 'shown', 1_000)
  const [list] = (await told()) as { readonly ids?: readonly number[] }[]
  expect(list?.ids).toHaveLength(1_000)

  await using quiet = await openSession(database())
  await quiet.query('set jobtable.notify = off')
  await insertJob(quiet, 'shown')
  expect(await told()).toEqual([])
})
