import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { isAlive } from '../../src/embedded/process.ts'
import { endCommandsAfterEach, startCli } from '../support/cli.ts'
import { useDatabase } from '../support/database.ts'
import { insertJob } from '../support/job.ts'
import { cleanUpAfterEach, until } from '../support/worker.ts'

const EXECUTORS = fileURLToPath(new URL('../support/executors/isolated', import.meta.url))

const database = useDatabase()
cleanUpAfterEach(database)
endCommandsAfterEach()

// One whose executor waits notices at once; one that never does is watched by a thread; one that prints
// fails.
test.each(['wait', 'deaf', 'chatter'])(
  'a process dies with its killed worker, and all that it has started: %s',
  async (fault) => {
    const url = database().url
    const worker = startCli(['worker', '--database-url', url, '--executors', EXECUTORS])
    await until(database(), "exists (select from jobtable.job_type where name = 'faults')")
    const id = await insertJob(database(), 'faults', { payload: { fault } })
    await until(
      database(),
      'exists (select from jobtable.job_progress where job = $1 and message is not null)',
      [id],
    )
    const [row] = await database().query<{ message: string }>(
      'select message from jobtable.job_progress where job = $1',
      [id],
    )
    const processes: number[] = JSON.parse(row?.message ?? '')
    expect(processes.map(isAlive)).toEqual([true, true])
    worker.child.kill('SIGKILL')
    await once(worker.child, 'exit')
    await expect.poll(() => processes.map(isAlive), { timeout: 10_000 }).toEqual([false, false])
  },
)
