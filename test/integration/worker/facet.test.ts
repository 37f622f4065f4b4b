import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
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

describe('progress', () => {
  test('told ten thousand times is written a few times, and the last value is there at the end', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'busy',
          async execute({ progress }) {
            for (let i = 0; i <= 10_000; i += 1) {
              progress({ fraction: i / 10_000, stage: 'counting', message: `${i} of 10000` })
              if (i % 1000 === 0) await database().query('select pg_sleep(0.01)')
            }
          },
        }),
      ],
    })
    await insert('busy')
    await allFinished(database())
    expect((await reports())[0]).toMatchObject({
      status: 'completed',
      fraction: 1,
      stage: 'counting',
      message: '10000 of 10000',
    })
    const [stats] = await database().query<{ writes: number }>(
      `select pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
         + pg_stat_get_xact_tuples_updated(c.oid) as writes
       from pg_class c where c.oid = 'jobtable.job_progress'::regclass`,
    )
    expect(Number(stats?.writes)).toBeLessThan(10)
  })

  test('is seen while the job runs', async () => {
    const held = gate()
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'half',
          async execute({ progress }) {
            progress(0.5)
            await held.opened
          },
        }),
      ],
    })
    await insert('half')
    await until(database(), '(select fraction = 0.5 from jobtable.job_progress)')
    held.open()
    await allFinished(database())
  })

  test.each([Number.NaN, -0.1, 1.1])('of %s is refused where it is told', async (fraction) => {
    await startWorker(database(), {
      executors: [defineExecutor({ type: 'wrong', execute: ({ progress }) => progress(fraction) })],
    })
    await insert('wrong')
    await allFinished(database())
    expect((await reports())[0]).toMatchObject({ status: 'failed', error_name: 'RangeError' })
  })
})

describe('a facet', () => {
  test('that does not exist fails its own job and no other', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'some_bad',
          async execute({ job, facet }) {
            if (Number(job.id) % 5 === 0) await facet('no_such_facet', { n: 1 })
          },
        }),
      ],
    })
    await insert('some_bad', 50)
    await allFinished(database())
    const expected = (await reports()).map(({ id }) =>
      Number(id) % 5 === 0
        ? {
            id,
            status: 'failed',
            error_name: 'RefusedError',
            error_message: 'there is no facet "no_such_facet"',
          }
        : { id, status: 'completed', error_name: null, error_message: null },
    )
    expect(await reports()).toMatchObject(expected)
    expect(expected.filter(({ status }) => status === 'failed')).toHaveLength(10)
  })

  test('that fails and that nobody awaits fails the job; one that was handled does not', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'careless',
          execute({ facet, progress, log }) {
            void facet('no_such_facet', { n: 1 })
            void facet('job_result', { value: 'so far' })
            progress({ stage: 'careless' })
            log.info('careless')
          },
        }),
        defineExecutor({
          type: 'careful',
          async execute({ facet }) {
            await facet('no_such_facet', { n: 1 }).catch(() => undefined)
          },
        }),
      ],
    })
    await insert('careless')
    await insert('careful')
    await allFinished(database())
    // What the careless one has told else is kept.
    expect(await reports()).toMatchObject([
      { status: 'failed', stage: 'careless', result: 'so far' },
      { status: 'completed' },
    ])
    expect(await database().query('select message from jobtable.job_log')).toEqual([
      { message: 'careless' },
    ])
  })

  test('is checked against the shape that the executor declares, and merged while it waits', async () => {
    await database().query(
      `create table words (job bigint, lines integer, words integer);
       select jobtable.add_facet('words')`,
    )
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'count_words',
          facets: { words: z.object({ lines: z.int(), words: z.int() }) },
          async execute({ facet }) {
            void facet('words', { lines: 1 })
            void facet('words', { lines: 2 })
            await facet('words', { words: 7 })
          },
        }),
        defineExecutor({
          type: 'count_wrongly',
          facets: { words: z.object({ lines: z.int() }) },
          async execute({ facet }) {
            await facet('words', { lines: 1.5 })
          },
        }),
      ],
    })
    const [id] = await insert('count_words')
    await insert('count_wrongly')
    await allFinished(database())
    expect(await database().query('select * from words')).toEqual([{ job: id, lines: 2, words: 7 }])
    expect((await reports())[1]).toMatchObject({
      status: 'failed',
      error_message: expect.stringContaining('facet "words": lines:') as string,
    })
  })

  test('never arrives after the final status', async () => {
    await database().query(
      `create table late (job bigint primary key references jobtable.job on delete cascade, n integer)`,
    )
    await database().query(
      `create table public.premature (job bigint);
       create function public.note_premature() returns trigger language plpgsql as $$
       begin
         if not exists (select from public.late l where l.job = new.id)
            or not exists (select from jobtable.job_progress p where p.job = new.id and p.fraction = 1)
            or not exists (select from jobtable.job_log l where l.job = new.id) then
           insert into public.premature values (new.id);
         end if;
         return null;
       end $$;
       create trigger note_premature after update on jobtable.job
         for each row when (new.status = 'completed') execute function public.note_premature()`,
    )
    await startWorker(database(), {
      concurrency: 20,
      executors: [
        defineExecutor({
          type: 'tells',
          execute({ facet, progress, log }) {
            void facet('late', { n: 1 })
            progress(1)
            log.info('done')
          },
        }),
      ],
    })
    await insert('tells', 200)
    await until(database(), "(select count(*) = 200 from jobtable.job where status = 'completed')")
    expect(await database().query('select * from public.premature')).toEqual([])
  })
})

describe('transaction', () => {
  test('keeps what is told in it, although a client holds the job’s row meanwhile', async () => {
    const client = new pg.Client({ connectionString: database().url })
    await client.connect()
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
    await client.end()
    await allFinished(database())
    expect((await reports())[0]).toMatchObject({ id, status: 'completed', stage: 'within' })
    // It may have been on its way when the transaction had the job's row.
    await until(database(), "(select array_agg(message) = '{within}' from jobtable.job_log)")
  })

  test('waits for the table of the log lines as long as a client has locked it', async () => {
    await using client = await openSession(database())
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'logs_within',
          execute: async ({ transaction, log }) =>
            await transaction(async () => {
              await client.query('begin')
              await client.query('lock table jobtable.job_log in share mode')
              log.info('within')
            }),
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
    expect(await reports()).toMatchObject([{ status: 'completed' }])
    // It may have been on its way when the transaction had the table.
    await until(database(), "(select array_agg(message) = '{within}' from jobtable.job_log)")
  })

  test('whose COMMIT fails keeps the lines that were logged in it', async () => {
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

  test('completes the job together with the many lines that it has logged', async () => {
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

  test('commits the writes with the completion, and what it returns is the result', async () => {
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

  test('rolls everything back when the work throws, and the job fails', async () => {
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

  test('is refused when the job is no longer held, and leaves nothing', async () => {
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
    const client = new pg.Client({ connectionString: database().url })
    await client.connect()
    await client.query("set jobtable.writer = 'queue'")
    await client.query('update jobtable.job set lease = 1 where id = $1', [id])
    await client.end()
    held.open()
    await next(worker, 'idle')
    expect(await database().query("select to_regclass('never') as t")).toEqual([{ t: null }])
    expect((await reports())[0]).toMatchObject({ status: 'started' })
  })
})
