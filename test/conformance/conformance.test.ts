import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineExecutor, type Executor } from '../../src/executor.ts'
import { Worker } from '../../src/worker.ts'
import { createDatabase, type Database } from '../support/database.ts'
import { addTypes, insertJob } from '../support/job.ts'
import { isRequired } from '../support/required.ts'
import { until } from '../support/worker.ts'
import { clients, connectionVariables } from './clients.ts'

/** What each step answers: how many rows it wrote, the SQLSTATE of its refusal, or what it read. */
const ANSWERS = {
  plain: 1,
  'multi-row': 3,
  nulls: 1,
  later: 1,
  described: 1,
  key: [1, 0],
  unicode: 1,
  rollback: 1,
  'unknown type': 'JT001',
  payload: 'JT002',
  status: 'JT004',
  id: 'JT004',
  cancel: 1,
  'cancel started': 'JT006',
  steer: 1,
  read: {
    status: 'completed',
    fraction: 1,
    result: { words: 7 },
    can_resubmit: true,
    lines: 3,
    note: 'Grüße 🐘',
  },
}

/** A row as an INSERT of the type alone leaves it, without its number and the times that differ. */
const PLAIN_ROW = {
  type: 'conform',
  status: 'new',
  payload: {},
  owner: 'me',
  title: null,
  properties: {},
  priority: null,
  run_at: 'at once',
  paused: false,
  attempt: 0,
  uncharged: 0,
  max_attempts: null,
  timeout: null,
  key: null,
  holds_key: false,
  cpus: null,
  memory_mb: null,
  template: null,
  parent: null,
  cancel_requested: false,
  status_detail: null,
  queued_at: null,
  started_at: null,
  finished_at: null,
  failed_at: null,
  worker: null,
  lease: null,
}

/** The rows that are there in the end, oldest first. */
const ROWS = [
  { payload: { step: 'plain' } },
  { payload: { step: 'multi-row', n: 1 } },
  { payload: { step: 'multi-row', n: 2 } },
  { payload: { step: 'multi-row', n: 3 } },
  {},
  { payload: { step: 'later' }, run_at: '2030-01-01T00:00:00+00:00' },
  {
    payload: { step: 'described' },
    owner: 'ada',
    title: 'Described',
    properties: { colour: 'blue' },
    priority: -5,
  },
  { payload: { step: 'key' }, key: 'only-once', holds_key: true },
  {
    payload: {
      step: 'unicode',
      text: 'Grüße, 世界 🐘 "quoted" \\back \'single\'\n\t',
      list: [1, 2.5, true, null],
    },
  },
  { payload: { step: 'steer' }, paused: true, priority: 7, title: 'Steered' },
].map((row) => ({ ...PLAIN_ROW, ...row }))

/** Of those, what a worker runs now: neither what is of the future, nor what is paused. */
const RUNNABLE = ROWS.filter((row) => row.run_at === 'at once' && !row.paused)

/** What runs before the clients come: a job that finishes, with facets, and one that runs on. */
const PREPARED: readonly Executor[] = [
  defineExecutor({
    type: 'prepared',
    payload: z.object({}),
    facets: { conform_note: z.object({ lines: z.int(), note: z.string() }) },
    async execute({ progress, facet }) {
      progress(1)
      await facet('conform_note', { lines: 3, note: 'Grüße 🐘' })
      return { words: 7 }
    },
  }),
  defineExecutor({
    type: 'running',
    payload: z.object({}),
    async execute({ signal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    },
  }),
]

/** What runs the clients' jobs, after the clients have gone. */
const RUNNING: readonly Executor[] = [
  defineExecutor({
    type: 'conform',
    payload: z.looseObject({}),
    execute: ({ payload }) => ({ echo: payload }),
  }),
]

/** The jobs that the clients meet. */
async function prepare(database: Database): Promise<{ finished: string; started: string }> {
  const finished = await insertJob(database, 'prepared')
  const started = await insertJob(database, 'running')
  const statusIs = '(select status from jobtable.job where id = $1) = $2::jobtable.job_status'
  await until(database, statusIs, [finished, 'completed'])
  await until(database, statusIs, [started, 'started'])
  return { finished, started }
}

async function readRows(database: Database): Promise<unknown[]> {
  const rows = await database.query(
    `select to_jsonb(j) - '{id, created_at}'::text[] || jsonb_build_object(
       'run_at', case when run_at = created_at then 'at once'
         else to_char(run_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00') end,
       'owner', case when owner = current_user then 'me' else owner end
     ) as row
     from jobtable.job j where type = 'conform' order by id`,
  )
  return rows.map(({ row }) => row as unknown)
}

/** What became of the jobs in the end, oldest first. */
async function readOutcomes(database: Database): Promise<unknown[]> {
  await until(
    database,
    `not exists (
       select from jobtable.job
       where type = 'conform' and not paused and run_at <= now()
         and status in ('new', 'queued', 'started'))`,
  )
  return await database.query(
    `select j.status, j.attempt, r.value from jobtable.job j
     join jobtable.job_result r on r.job = j.id where j.type = 'conform' order by j.id`,
  )
}

// A client that is missing is a skip that is counted, unless the run demands it.
describe('the same statements have the same effect from', () => {
  for (const client of clients) {
    const { name } = client
    test.skipIf(!client.isInstalled && !isRequired(name))(`the client ${name}`, async () => {
      await using database = await createDatabase()
      const options = { connectionString: database.url, graceMs: 0 }
      await database.query(`
        create table conform_note (
          job bigint primary key references jobtable.job (id) on delete cascade,
          lines integer,
          note text
        )`)
      await addTypes(database, 'conform')
      await using preparing = new Worker({ ...options, executors: PREPARED })
      await preparing.start()
      const { finished, started } = await prepare(database)

      const answers = await client.run({
        ...connectionVariables(database.url),
        STARTED_JOB: started,
        FINISHED_JOB: finished,
      })
      expect(answers).toEqual({ ...ANSWERS, ...client.differs })
      expect(await readRows(database)).toEqual(ROWS)

      await using running = new Worker({ ...options, executors: RUNNING })
      await running.start()
      expect(await readOutcomes(database)).toEqual(
        RUNNABLE.map(({ payload }) => ({
          status: 'completed',
          attempt: 1,
          value: { echo: payload },
        })),
      )
    })
  }
})
