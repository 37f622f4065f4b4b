import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { interceptAnswers, type Statement } from '../../support/answers.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
import {
  allFinished,
  cleanUpAfterEach,
  type Gate,
  gate,
  startWorker,
  until,
} from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

const SLOTS = 300
const JOBS = 1_200

/** Whether a statement is a tick that begins jobs of the local queue. */
function begins({ text, values }: Statement): boolean {
  return text.includes('jobtable_internal.tick(') && (values[5] as string[]).length > 0
}

test('queued jobs whose beginning lost its answer begin once, whatever ticks come meanwhile', async () => {
  const runs = new Map<string, number>()
  const running: Gate[] = []
  const second = gate()
  const third = gate()
  const adopted = gate()
  let isOver = false
  const finish = (count: number): void => {
    for (const { open } of running.splice(0, count)) open()
  }
  let ticks = 0
  using _ = interceptAnswers(async (statement) => {
    if (statement.text.includes('jobtable_internal.adopt(')) {
      const answer = await statement.send()
      await third.opened
      setImmediate(() => adopted.open())
      return answer
    }
    if (isOver || !begins(statement)) return await statement.send()
    ticks += 1
    const n = ticks
    const answer = await statement.send()
    if (n === 1) {
      finish(150)
      await second.opened
      throw new Error('Connection terminated unexpectedly')
    }
    if (n === 2) {
      second.open()
      await turnOfTheLoop()
      // Once what it brings has begun.
      setImmediate(() => finish(150))
    } else setImmediate(() => third.open())
    return answer
  })
  await startWorker(database(), {
    concurrency: SLOTS,
    prefetch: SLOTS,
    executors: [
      defineExecutor({
        type: 'queued_before',
        async execute({ job }) {
          runs.set(job.id, (runs.get(job.id) ?? 0) + 1)
          if (isOver) return
          const held = gate()
          running.push(held)
          await held.opened
        },
      }),
    ],
  })
  await insertJobs(database(), 'queued_before', JOBS)
  await until(database(), "(select count(*) = 300 from jobtable.job where status = 'queued')")
  await expect.poll(() => running.length).toBe(SLOTS)
  finish(50)
  await adopted.opened
  isOver = true
  finish(Infinity)
  await allFinished(database())
  expect([...runs].filter(([, count]) => count !== 1)).toEqual([])
  expect(runs.size).toBe(JOBS)
})
