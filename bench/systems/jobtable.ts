import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { z } from 'zod'
import type * as Jobtable from '../../src/index.ts'
import { chunksOf, NOOP, rowsOf } from '../lib/batch.ts'
import { numberFrom, withClient } from '../lib/postgres.ts'
import type { System } from './system.ts'

/** Rows of one INSERT: beyond that nothing is gained, and the server keeps them all until its end. */
const CHUNK = 1_000_000

/** The package of a source tree. */
export async function loadJobtable(checkout: string): Promise<typeof Jobtable> {
  const url = pathToFileURL(join(checkout, 'src/index.ts'))
  return z.custom<typeof Jobtable>().parse(await import(url.href))
}

export const jobtable: System = {
  name: 'jobtable',
  server: 'postgres',
  variants: [
    { name: 'default', settings: {}, source: 'docs/operations.md, Workers' },
    { name: 'fastest', settings: { concurrency: 1_000 }, source: 'src/worker.ts, WorkerOptions' },
  ],
  concurrent: (jobs) => ({ concurrency: jobs }),
  table: 'jobtable.job',
  insertSql: `insert into jobtable.job (type, payload) values ('${NOOP}', '{"n": 1}')`,
  surveySql: 'select status, count(*), max(started_at) from jobtable.job group by status',
  install: async ({ url, checkout }, types) => {
    const { defineExecutor, migrate, Worker } = await loadJobtable(checkout)
    await migrate({ connectionString: url })
    // A worker that starts makes its types known.
    const executors = types.map((type) => defineExecutor({ type, execute() {} }))
    await using worker = new Worker({ connectionString: url, executors })
    await worker.start()
  },
  enqueue: async ({ url }, batch) => {
    const { sql, values } = rowsOf(batch)
    await withClient(url, async (client) => {
      for (const { first, count } of chunksOf(batch, CHUNK)) {
        await client.query(
          `insert into jobtable.job (type, payload, run_at)
           select r.type, r.payload, now() + make_interval(secs => $6) from ${sql} r order by r.n`,
          [first, first + count - 1, ...values.slice(2), batch.delaySeconds ?? 0],
        )
      }
    })
  },
  keepFinished: ({ url }, interval) =>
    withClient(
      url,
      async (client) =>
        void (await client.query('update jobtable.job_type set retention = $1', [interval])),
    ),
  count: ({ url }) =>
    withClient(url, async (client) => ({
      left: await numberFrom(
        client,
        `select count(*) from jobtable.job where status <> 'completed'`,
      ),
      completed: await numberFrom(
        client,
        `select count(*) from jobtable.job where status = 'completed'`,
      ),
    })),
  sender: async ({ url }, connections) => {
    const pool = new pg.Pool({ connectionString: url, max: connections })
    const text = 'insert into jobtable.job (type, payload) values ($1, $2)'
    return {
      send: async (payload) =>
        void (await pool.query({ name: 'insert', text, values: [NOOP, payload] })),
      close: () => pool.end(),
    }
  },
  load: ({ checkout }) => loadJobtable(checkout),
  start: async ({ url, checkout }, settings, { types, begin, completed }) => {
    const { defineExecutor, Worker } = await loadJobtable(checkout)
    const executors = types.map((type) =>
      begin === undefined
        ? defineExecutor({ type, execute() {} })
        : defineExecutor({
            type,
            execute: ({ job, payload, signal }) => begin(job.id, payload, signal),
          }),
    )
    const worker = new Worker({ ...settings, connectionString: url, executors })
    worker.events.on('finished', (outcomes) =>
      completed(outcomes.length, () => outcomes.map(({ id }) => id)),
    )
    await worker.start()
    return () => worker.stop()
  },
}
