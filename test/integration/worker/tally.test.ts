import { expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { countedJobs, countsOf } from '../../support/counts.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes } from '../../support/job.ts'
import { allFinished, cleanUpAfterEach, startWorker, until } from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

test('a worker keeps the list short from which the counts are added up', async () => {
  await addTypes(database(), 'counted')
  await database().query(
    `do $$ begin
       for i in 1 .. 3000 loop insert into jobtable.job (type) values ('counted'); end loop;
     end $$`,
  )
  const executor = defineExecutor({ type: 'counted', execute: () => undefined })
  await startWorker(database(), { executors: [executor] })
  await allFinished(database())
  await until(database(), '(select count(*) < 1000 from jobtable_internal.tally)')
  expect(await countsOf(database())).toEqual(['counted completed 3000'])
  expect(await countedJobs(database())).toEqual(['counted completed 3000'])
})
