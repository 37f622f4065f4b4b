import { run, runMigrations, type TaskList } from 'graphile-worker'
import pg from 'pg'
import { chunksOf, NOOP, rowsOf } from '../lib/batch.ts'
import { numberFrom, withClient } from '../lib/postgres.ts'
import { watchCompletions } from './completions.ts'
import { payloadOf, type Settings, type System } from './system.ts'

/** Jobs of one call of add_jobs, which makes an array of them. */
const CHUNK = 50_000

const FASTEST = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
} satisfies Settings

export const graphileWorker: System = {
  name: 'graphile-worker',
  server: 'postgres',
  variants: [
    {
      name: 'default',
      settings: {},
      source: 'dist/config.js of its package',
      atMost: 20_000,
    },
    {
      name: 'fastest',
      settings: FASTEST,
      source: 'https://worker.graphile.org/docs/performance',
    },
  ],
  // Its local queue and its batches talk to the database for all jobs: 25 connections suffice.
  // Its local queue is to be no smaller than what runs at once.
  concurrent: (jobs) => ({
    ...FASTEST,
    concurrentJobs: jobs,
    localQueue: { size: Math.max(jobs, FASTEST.localQueue.size) },
  }),
  // As in the project's own perfTest/run.js: no line for each job that succeeds.
  env: { NO_LOG_SUCCESS: '1' },
  table: 'graphile_worker._private_jobs',
  insertSql: `select graphile_worker.add_job('${NOOP}', '{"n": 1}')`,
  surveySql: `select attempts, count(*), max(run_at) from graphile_worker._private_jobs
    group by attempts`,
  install: ({ url }) => runMigrations({ connectionString: url }),
  enqueue: async ({ url }, batch) => {
    const { sql, values } = rowsOf(batch)
    await withClient(url, async (client) => {
      for (const { first, count } of chunksOf(batch, CHUNK)) {
        await client.query(
          `select count(*) from graphile_worker.add_jobs(array(
             select (r.type, r.payload, null, now() + make_interval(secs => $6), null, null, null,
               null)::graphile_worker.job_spec
             from ${sql} r order by r.n
           ))`,
          [first, first + count - 1, ...values.slice(2), batch.delaySeconds ?? 0],
        )
      }
    })
  },
  count: ({ url }) =>
    withClient(url, async (client) => ({
      left: await numberFrom(client, 'select count(*) from graphile_worker._private_jobs'),
      completed: undefined,
    })),
  sender: async ({ url }, connections) => {
    const pool = new pg.Pool({ connectionString: url, max: connections })
    const text = 'select graphile_worker.add_job($1, $2)'
    return {
      send: async (payload) =>
        void (await pool.query({ name: 'insert', text, values: [NOOP, payload] })),
      close: () => pool.end(),
    }
  },
  start: async ({ url }, settings, { types, begin, completed }) => {
    watchCompletions(completedIds, completed)
    const taskList: TaskList = {}
    for (const type of types) {
      taskList[type] =
        begin === undefined
          ? () => undefined
          : (payload, { job }) => begin(job.id, payloadOf(payload))
    }
    const runner = await run({
      taskList,
      preset: { worker: { connectionString: url, ...settings } },
    })
    return () => runner.stop()
  },
}

/** dist/sql/completeJobs.js and dist/main.js: a completed job's row is deleted, by id or by ids. */
function completedIds(text: string, [ids]: readonly unknown[]): readonly string[] | undefined {
  if (!/delete from .*_private_jobs/.test(text)) return undefined
  return Array.isArray(ids) ? ids.map(String) : [String(ids)]
}
