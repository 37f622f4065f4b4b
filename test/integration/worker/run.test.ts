import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineExecutor } from '../../../src/executor.ts'
import { fromClass, JobExecutor } from '../../../src/job-executor.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob } from '../../support/job.ts'
import {
  allFinished,
  cleanUpAfterEach,
  gate,
  next,
  startWorker,
  until,
} from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

const insert = async (type: string, payload: object = {}): Promise<string> =>
  await insertJob(database(), type, { payload })

async function job(id: string): Promise<Record<string, unknown>> {
  const [row] = await database().query('select * from jobtable.job where id = $1', [id])
  return row ?? {}
}

describe('a job that is inserted', () => {
  test('runs once, with every time in order, and its result is stored', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'add',
          payload: z.object({ a: z.int(), b: z.int() }),
          execute: ({ payload }) => ({ sum: payload.a + payload.b }),
        }),
      ],
    })
    const id = await insert('add', { a: 1, b: 2 })
    await allFinished(database())
    expect(await job(id)).toMatchObject({ status: 'completed', attempt: 1, status_detail: null })
    const [order] = await database().query(
      `select created_at <= queued_at and queued_at <= started_at and started_at <= finished_at as ok,
         failed_at is null as unfailed
       from jobtable.job where id = $1`,
      [id],
    )
    expect(order).toEqual({ ok: true, unfailed: true })
    expect(
      await database().query('select * from jobtable.job_result where job = $1', [id]),
    ).toEqual([{ job: id, value: { sum: 3 } }])
  })

  test('is started in the database before its executor begins', async () => {
    let seen: unknown
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'look',
          async execute({ job: { id } }) {
            seen = (
              await database().query('select status from jobtable.job where id = $1', [id])
            )[0]
          },
        }),
      ],
    })
    await insert('look')
    await allFinished(database())
    expect(seen).toEqual({ status: 'started' })
  })

  test('that throws is failed, with the error in job_attempt and one line in status_detail', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'throw',
          execute() {
            throw new TypeError('first line\nsecond line', { cause: new Error('deeper') })
          },
        }),
      ],
    })
    const id = await insert('throw')
    await allFinished(database())
    const row = await job(id)
    expect(row).toMatchObject({ status: 'failed', status_detail: 'TypeError: first line' })
    expect(row['failed_at']).toEqual(row['finished_at'])
    const [attempt] = await database().query('select * from jobtable.job_attempt where job = $1', [
      id,
    ])
    expect(attempt).toMatchObject({
      n: 1,
      outcome: 'failed',
      worker: row['worker'],
      error_name: 'TypeError',
      error_message: 'first line\nsecond line',
    })
    expect(attempt?.['error_stack']).toContain('run.test.ts')
    expect(attempt?.['error_cause']).toContain('deeper')
  })

  test.each([
    ['a string', 'plain text', { error_name: 'string', error_message: 'plain text' }],
    ['undefined', undefined, { error_name: 'undefined', error_message: 'undefined' }],
    ['an object', { a: 1 }, { error_name: 'object', error_message: '{ a: 1 }' }],
    ['text that PostgreSQL cannot hold', new Error('a\0b\uD800'), { error_message: 'ab\uFFFD' }],
  ])('that throws %s is failed and told', async (_what, thrown, expected) => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'throw_odd',
          async execute() {
            // oxlint-disable-next-line typescript/only-throw-error -- executors throw anything
            throw thrown
          },
        }),
      ],
    })
    const id = await insert('throw_odd')
    await allFinished(database())
    const [attempt] = await database().query('select * from jobtable.job_attempt where job = $1', [
      id,
    ])
    expect(attempt).toMatchObject(expected)
  })

  test('whose payload does not fit fails before execute, with path and reason', async () => {
    let calls = 0
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'strict',
          // What only the executor can tell; the database refuses all else.
          payload: z.object({
            files: z.array(z.object({ path: z.string().refine((path) => path !== 'b', 'is b') })),
          }),
          execute: () => {
            calls += 1
          },
        }),
      ],
    })
    const id = await insert('strict', { files: [{ path: 'a' }, { path: 'b' }] })
    await allFinished(database())
    expect(calls).toBe(0)
    expect((await job(id))['status_detail']).toMatch(/^PayloadError: payload files\.1\.path: is b/)
  })

  test('whose result cannot be JSON is failed, not lost', async () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    await startWorker(database(), {
      executors: [defineExecutor({ type: 'circular', execute: () => circular })],
    })
    const id = await insert('circular')
    await allFinished(database())
    expect(await job(id)).toMatchObject({ status: 'failed' })
  })

  test('receives its row: owner, title, properties, key, priority, times', async () => {
    let seen: unknown
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'whole',
          execute({ job }) {
            seen = job
          },
        }),
      ],
    })
    const [row] = await database().query<{ id: string; created_at: Date }>(
      `insert into jobtable.job (type, owner, title, properties, key, priority)
       values ('whole', 'anna', 'All of it', '{"a": [1]}', 'k', -3) returning id, created_at`,
    )
    await allFinished(database())
    expect(seen).toMatchObject({
      id: row?.id,
      type: 'whole',
      owner: 'anna',
      title: 'All of it',
      properties: { a: [1] },
      key: 'k',
      priority: -3,
      attempt: 1,
      createdAt: row?.created_at,
      runAt: row?.created_at,
    })
  })

  test('runs in a class for people who know REX.JOB, each job on an instance of its own', async () => {
    await database().query(
      `create table if not exists my_job (
         job bigint primary key references jobtable.job on delete cascade, num_records integer)`,
    )
    const instances = new Set<unknown>()
    class MyJobExecutor extends JobExecutor<{ n: number }> {
      override readonly name = 'my_job'
      override async execute(code: string, owner: string, payload: { n: number }): Promise<void> {
        instances.add(this)
        this.logger.info('My Job did something!', { owner })
        await this.updateFacet('my_job', code, { num_records: payload.n })
      }
    }
    await startWorker(database(), { executors: [fromClass(MyJobExecutor)] })
    const ids = [await insert('my_job', { n: 1234 }), await insert('my_job', { n: 5 })]
    await allFinished(database())
    expect(await database().query('select * from my_job order by job')).toEqual([
      { job: ids[0], num_records: 1234 },
      { job: ids[1], num_records: 5 },
    ])
    expect(instances.size).toBe(2)
    const logs = await database().query(
      'select message, fields, level, attempt from jobtable.job_log',
    )
    expect(logs[0]).toMatchObject({ message: 'My Job did something!', level: 'info', attempt: 1 })
  })
})

describe('order and concurrency', () => {
  test('a smaller priority runs sooner, and within one the older job', async () => {
    const order: string[] = []
    await database().query(`select jobtable_internal.register_type('ordered', '{}', null)`)
    const rows = await database().query<{ id: string }>(
      `insert into jobtable.job (type, priority)
       values ('ordered', 5), ('ordered', null), ('ordered', -1), ('ordered', 5), ('ordered', 0)
       returning id`,
    )
    const ids = rows.map((row) => row.id)
    await startWorker(database(), {
      concurrency: 1,
      executors: [
        defineExecutor({ type: 'ordered', execute: ({ job }) => void order.push(job.id) }),
      ],
    })
    await allFinished(database())
    expect(order).toEqual([ids[2], ids[1], ids[4], ids[0], ids[3]])
  })

  test('that its type’s concurrency keeps waiting is told so', async () => {
    const held = gate()
    await startWorker(database(), {
      concurrency: 4,
      executors: [
        defineExecutor({ type: 'free', async execute() {} }),
        defineExecutor({ type: 'narrow', concurrency: 1, execute: () => held.opened }),
      ],
    })
    const [first, second] = [await insert('narrow'), await insert('narrow')]
    await until(database(), `(select status from jobtable.job where id = ${first}) = 'started'`)
    expect(
      await database().query('select reason, detail from jobtable.why_waiting($1)', [second]),
    ).toEqual([
      {
        reason: 'busy',
        detail: 'no slot for type "narrow" is free (slots: 1, live workers: 1)',
      },
    ])
    held.open()
    await allFinished(database())
  })

  test('no more run at once than the worker and the type allow', async () => {
    let wide = 0
    let widest = 0
    let narrow = 0
    let narrowest = 0
    const turn = async (): Promise<void> => {
      await database().query('select pg_sleep(0.01)')
    }
    await startWorker(database(), {
      concurrency: 4,
      executors: [
        defineExecutor({
          type: 'wide',
          async execute() {
            wide += 1
            widest = Math.max(widest, wide + narrow)
            await turn()
            wide -= 1
          },
        }),
        defineExecutor({
          type: 'narrow',
          concurrency: 1,
          async execute() {
            narrow += 1
            narrowest = Math.max(narrowest, narrow)
            widest = Math.max(widest, wide + narrow)
            await turn()
            narrow -= 1
          },
        }),
      ],
    })
    await database().query(
      `insert into jobtable.job (type)
       select case when i % 2 = 0 then 'wide' else 'narrow' end from generate_series(1, 60) i`,
    )
    await allFinished(database())
    expect(narrowest).toBe(1)
    expect(widest).toBe(4)
  })

  test('a job that takes long holds up nothing but its own slot', async () => {
    const held = gate()
    await startWorker(database(), {
      concurrency: 2,
      executors: [
        defineExecutor({
          type: 'long_or_short',
          payload: z.object({ long: z.boolean() }),
          execute: async ({ payload }) => {
            if (payload.long) await held.opened
          },
        }),
      ],
    })
    await insert('long_or_short', { long: true })
    await database().query(
      `insert into jobtable.job (type, payload)
       select 'long_or_short', '{"long": false}' from generate_series(1, 50)`,
    )
    await until(
      database(),
      "(select count(*) = 50 from jobtable.job where type = 'long_or_short' and status = 'completed')",
    )
    held.open()
    await allFinished(database())
  })

  test('jobs taken ahead are queued; deleted, paused or put off there, they do not begin', async () => {
    const held = gate()
    const begun: string[] = []
    const attempts: number[] = []
    const worker = await startWorker(database(), {
      concurrency: 1,
      prefetch: 4,
      executors: [
        defineExecutor({
          type: 'ahead',
          async execute({ job }) {
            begun.push(job.id)
            attempts.push(job.attempt)
            await held.opened
          },
        }),
      ],
    })
    const claimed = next(worker, 'claimed')
    const rows = await database().query<{ id: string }>(
      `insert into jobtable.job (type) select 'ahead' from generate_series(1, 5) returning id`,
    )
    const [first, deleted, paused, later, last] = rows.map((row) => row.id)
    await claimed
    await until(
      database(),
      "(select count(*) = 4 from jobtable.job where type = 'ahead' and status = 'queued')",
    )
    await database().query('delete from jobtable.job where id = $1', [deleted])
    await database().query('update jobtable.job set paused = true where id = $1', [paused])
    await database().query(
      `update jobtable.job set run_at = now() + interval '1 hour' where id = $1`,
      [later],
    )
    held.open()
    await until(database(), "(select status = 'completed' from jobtable.job where id = $1)", [last])
    expect(begun).toEqual([first, last])
    expect(attempts).toEqual([1, 1])
    expect(await job(paused ?? '')).toMatchObject({ status: 'new', paused: true, queued_at: null })
    expect(await job(later ?? '')).toMatchObject({ status: 'new', lease: null, attempt: 0 })
    await database().query('update jobtable.job set paused = false where id = $1', [paused])
    await until(database(), "(select status = 'completed' from jobtable.job where id = $1)", [
      paused,
    ])
  })
})
