import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes } from '../../support/job.ts'
import { allFinished, cleanUpAfterEach, startWorker } from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

test('outcomes of long jobs gather for a moment, so that each tick writes several', async () => {
  await addTypes(database(), 'long')
  await database().query(
    "insert into jobtable.job (type) select 'long' from generate_series(1, 2000)",
  )
  const long = defineExecutor({
    type: 'long',
    // They end one by one, some three in each millisecond.
    execute: async () => await delay(150 + Math.random() * 100),
  })
  const ticks: number[] = []
  const worker = await startWorker(database(), { executors: [long], concurrency: 500 })
  worker.events.on('finished', (outcomes) => ticks.push(outcomes.length))
  await allFinished(database())
  // The first round of jobs tells how long they take.
  const later = ticks.slice(Math.ceil(ticks.length / 2))
  expect(later.reduce((sum, n) => sum + n) / later.length).toBeGreaterThan(6)
})
