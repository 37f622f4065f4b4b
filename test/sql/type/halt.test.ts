import { expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob, insertJobs, statusOf } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'
import { startTicker } from '../../support/ticker.ts'

const database = useDatabase()

const set = async (name: string, change: string): Promise<unknown> =>
  await database().query(`update jobtable.job_type set ${change} where name = $1`, [name])

test.each(['paused = true', 'enabled = false'])(
  'of a type with %s nothing is claimed until that is taken back; other types flow',
  async (halt) => {
    const [held, other] = [`held ${halt}`, `other ${halt}`]
    const ticker = await startTicker(database(), held, other)
    const id = await insertJob(database(), held)
    await set(held, halt)
    const free = await insertJobs(database(), other, 3)
    expect((await ticker.claim()).map((job) => job.id)).toEqual(free)
    const lone = await ticker.tick({ ranges: ticker.ranges(), slots: 5, woken: true })
    expect(lone).toMatchObject({ claimed: [], more: false })
    expect(await statusOf(database(), id)).toBe('new')
    await set(held, 'paused = false, enabled = true')
    expect((await ticker.claim()).map((job) => job.id)).toEqual([id])
  },
)

test('a paused type takes jobs, and its workers are woken when it goes on', async () => {
  await addTypes(database(), 'resumed')
  await set('resumed', 'paused = true')
  await insertJob(database(), 'resumed')
  await using listener = await openSession(database())
  const heard: string[] = []
  listener.client.on('notification', ({ channel }) => heard.push(channel))
  await listener.query('listen jobtable_ready')
  await set('resumed', 'paused = false')
  await listener.query('select')
  expect(heard).toEqual(['jobtable_ready'])
})

test.each(['insert of one', 'insert of many'])(
  'a disabled type refuses an %s: JT026',
  async (kind) => {
    await database().query(
      `insert into jobtable.job_type (name) values ('closed'), ('open') on conflict do nothing`,
    )
    await set('closed', 'enabled = false')
    const insert =
      kind === 'insert of one'
        ? insertJob(database(), 'closed')
        : database().query(
            `insert into jobtable.job (type) values ('open'), ('closed'), ('closed')`,
          )
    expect(await refusal(insert)).toEqual({
      code: 'JT026',
      message: 'job type "closed" is disabled',
      detail: 'Nothing was inserted. Jobs that wait stay until it is enabled again.',
      hint: `update jobtable.job_type set enabled = true where name = 'closed'`,
    })
  },
)

test('a later or paused job of a disabled type is refused as well', async () => {
  await addTypes(database(), 'shut')
  await set('shut', 'enabled = false')
  expect((await refusal(insertJob(database(), 'shut', { paused: true }))).code).toBe('JT026')
  expect((await refusal(insertJob(database(), 'shut', { run_at: '2099-01-01' }))).code).toBe(
    'JT026',
  )
})
