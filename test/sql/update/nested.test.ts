import { describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, readJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { only, outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

/** Lets what somebody does after each result be done, while `steps` run. */
async function afterResults(action: string, steps: () => Promise<void>): Promise<void> {
  await database().query(
    `create function after_result() returns trigger language plpgsql as $$
     begin ${action}; return null; end $$;
     create trigger after_result after insert on jobtable.job_result
     for each row execute function after_result()`,
  )
  try {
    await steps()
  } finally {
    await database().query('drop function after_result cascade')
  }
}

describe('a user’s trigger that the queue’s own write fires', () => {
  test('lets a paused job go, which then has its turn', async () => {
    const ticker = await startTicker(database(), 'first', 'next')
    await insertJob(database(), 'first')
    const next = await insertJob(database(), 'next', { paused: true })
    const end = outcome(only(await ticker.claim()), 'completed', { result: '1' })
    await afterResults(`update jobtable.job set paused = false where id = ${next}`, async () => {
      expect(await ticker.finish([end])).toMatchObject({ locked: [], lost: [] })
    })
    expect(only(await ticker.claim()).id).toBe(next)
  })

  test('resubmits a finished job, and what the queue goes on to write is its own', async () => {
    const ticker = await startTicker(database(), 'again', 'other')
    const again = await insertJob(database(), 'again')
    await ticker.finish([outcome(only(await ticker.claim()), 'completed')])
    await insertJob(database(), 'other')
    const end = outcome(only(await ticker.claim()), 'completed', { result: '1' })
    const waiting = await insertJob(database(), 'other')
    await afterResults(`update jobtable.job set status = 'new' where id = ${again}`, async () => {
      await ticker.tick({ outcomes: [end], ranges: ticker.ranges(), slots: 2 })
    })
    for (const id of [again, waiting]) {
      expect(await readJob(database(), id)).toMatchObject({ status: 'started', finished_at: null })
    }
  })

  test('is refused what any client is refused', async () => {
    const ticker = await startTicker(database(), 'refused', 'victim')
    await insertJob(database(), 'refused')
    const end = outcome(only(await ticker.claim()), 'completed', { result: '1' })
    const victim = await insertJob(database(), 'victim')
    await afterResults(
      `update jobtable.job set status = 'completed' where id = ${victim}`,
      async () => {
        expect((await refusal(ticker.finish([end]))).code).toBe('JT005')
      },
    )
  })
})
