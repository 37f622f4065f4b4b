import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
import { allFinished, cleanUpAfterEach, gate, startWorker, until } from '../../support/worker.ts'

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
