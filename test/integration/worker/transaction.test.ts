import { expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
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

const insert = async (type: string, count = 1): Promise<string[]> =>
  await insertJobs(database(), type, count)

async function reports(): Promise<Record<string, unknown>[]> {
  return await database().query('select * from jobtable.job_report order by id')
}

test('a transaction keeps what is told in it, although a client holds the job’s row meanwhile', async () => {
  await using client = await openSession(database())
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'tells_within',
        execute: async ({ job, transaction, progress, log }) =>
          await transaction(async () => {
            await client.query('begin')
            await client.query("update jobtable.job set title = 'mine' where id = $1", [job.id])
            progress({ stage: 'within' })
            log.info('within')
          }),
      }),
    ],
  })
  const [id] = await insert('tells_within')
  await until(
    database(),
    `exists (select from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock')`,
  )
  await client.query('commit')
  await allFinished(database())
  expect((await reports())[0]).toMatchObject({ id, status: 'completed', stage: 'within' })
  // It may have been on its way when the transaction had the job's row.
  await until(database(), "(select array_agg(message) = '{within}' from jobtable.job_log)")
})

test.each([
  { what: 'table of progress', lock: 'lock table jobtable.job_progress in share mode' },
  { what: 'table of log lines', lock: 'lock table jobtable.job_log in share mode' },
  { what: 'job’s progress', lock: 'select from jobtable.job_progress for update' },
])('a transaction waits for the $what as long as a client has locked it', async ({ lock }) => {
  await using client = await openSession(database())
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'logs_within',
        async execute({ transaction, progress, log }) {
          progress({ stage: 'before' })
          await transaction(async () => {
            await client.query('begin')
            await client.query(lock)
            progress({ stage: 'within' })
            log.info('within')
          })
        },
      }),
    ],
  })
  await insert('logs_within')
  await until(
    database(),
    `exists (select from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'
               and clock_timestamp() - query_start > interval '0.5 s')`,
  )
  await client.query('commit')
  await allFinished(database())
  expect(await reports()).toMatchObject([{ status: 'completed', stage: 'within' }])
  // It may have been on its way when the transaction had the table.
  await until(database(), "(select array_agg(message) = '{within}' from jobtable.job_log)")
})

test('a transaction whose COMMIT fails keeps the lines that were logged in it', async () => {
  await database().query(
    `create table parent (id integer primary key);
     create table child (parent integer references parent deferrable initially deferred)`,
  )
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'orphans',
        maxAttempts: 1,
        async execute({ transaction, log }) {
          log.info('before')
          await transaction(async ({ query }) => {
            await query('insert into child values (1)')
            log.info('inside')
          }).finally(() => log.info('after'))
        },
      }),
    ],
  })
  await insert('orphans')
  await allFinished(database())
  expect((await reports())[0]).toMatchObject({ status: 'failed' })
  expect(await database().query('select message from jobtable.job_log order by id')).toEqual([
    { message: 'before' },
    { message: 'inside' },
    { message: 'after' },
  ])
})

test('a transaction completes the job together with the many lines that it has logged', async () => {
  const LINES = 20_000
  await database().query(
    `create table public.logged (lines integer);
     create function public.note_logged() returns trigger language plpgsql as $$
     begin
       insert into public.logged
       select count(*) from jobtable.job_log l where l.job = new.id;
       return null;
     end $$;
     create trigger note_logged after update on jobtable.job
       for each row when (new.status = 'completed') execute function public.note_logged()`,
  )
  try {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'floods_within',
          execute: async ({ transaction, log }) =>
            await transaction(async () => {
              for (let n = 0; n < LINES; n += 1) log.info(String(n))
              await until(database(), 'exists (select from jobtable.job_log)')
            }),
        }),
      ],
    })
    await insert('floods_within')
    await allFinished(database())
    const [logged] = await database().query<{ lines: number }>('select lines from public.logged')
    // Those of one statement may be on their way.
    expect(logged?.lines).toBeGreaterThanOrEqual(LINES - 1_000)
    await until(database(), '(select count(*) = $1 from jobtable.job_log)', [LINES])
  } finally {
    await database().query('drop function public.note_logged cascade')
  }
})

test('a transaction commits the writes with the completion, and what it returns is the result', async () => {
  await database().query('create table effect (job bigint)')
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'effects',
        execute: async ({ job, transaction }) =>
          await transaction(async ({ query }) => {
            await query('insert into effect values ($1)', [job.id])
            return { written: true }
          }),
      }),
    ],
  })
  const [id] = await insert('effects')
  await allFinished(database())
  expect(await database().query('select * from effect')).toEqual([{ job: id }])
  expect((await reports())[0]).toMatchObject({ status: 'completed', result: { written: true } })
})

test('a transaction rolls everything back when the work throws, and the job fails', async () => {
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'half_effects',
        execute: async ({ transaction }) =>
          await transaction(async ({ query }) => {
            await query('create table never (n integer)')
            throw new Error('after all not')
          }),
      }),
    ],
  })
  await insert('half_effects')
  await allFinished(database())
  expect((await reports())[0]).toMatchObject({ status: 'failed', error_message: 'after all not' })
  expect(await database().query("select to_regclass('never') as t")).toEqual([{ t: null }])
})

test('a transaction is refused when the job is no longer held, and leaves nothing', async () => {
  const held = gate()
  const worker = await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'robbed',
        execute: async ({ transaction }) =>
          await transaction(async ({ query }) => {
            await query('create table never (n integer)')
            await held.opened
          }),
      }),
    ],
  })
  const begun = next(worker, 'begun')
  const [id] = await insert('robbed')
  await begun
  await using client = await openSession(database())
  await client.query("set jobtable.writer = 'queue'")
  await client.query('update jobtable.job set lease = 1 where id = $1', [id])
  held.open()
  await next(worker, 'idle')
  expect(await database().query("select to_regclass('never') as t")).toEqual([{ t: null }])
  expect((await reports())[0]).toMatchObject({ status: 'started' })
})
