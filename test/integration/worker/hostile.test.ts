import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { LeaseLostError } from '../../../src/errors.ts'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
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

const noop = (type: string) => defineExecutor({ type, execute: () => undefined })

const insert = async (type: string, count = 1): Promise<string[]> =>
  await insertJobs(database(), type, count)

async function breakConnections(): Promise<void> {
  await database().query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'jobtable:worker'`,
  )
}

describe('a job that ended well is completed', () => {
  test('although the server takes no writes for a while', async () => {
    const held = gate()
    const worker = await startWorker(database(), {
      executors: [defineExecutor({ type: 'waits', execute: async () => await held.opened })],
    })
    const begun = next(worker, 'begun')
    const [id] = await insert('waits')
    await begun
    const name = database().name
    await database().query(`alter database ${name} set default_transaction_read_only = on`)
    await breakConnections()
    const trouble = next(worker, 'trouble')
    held.open()
    await trouble
    await next(worker, 'trouble')
    await database().query(`alter database ${name} reset default_transaction_read_only`)
    await breakConnections()
    await until(database(), "(select status = 'completed' from jobtable.job where id = $1)", [id])
  })

  test('although another type cannot be claimed', async () => {
    await database().query(
      `create function refuse_start() returns trigger language plpgsql as $$
       begin
         if new.type = 'refused' and new.status = 'started' then
           raise exception 'not today';
         end if;
         return new;
       end $$;
       create trigger refuse_start before update on jobtable.job
       for each row execute function refuse_start()`,
    )
    try {
      await startWorker(database(), { executors: [noop('refused'), noop('fine')] })
      await insert('refused')
      await insert('fine', 20)
      await until(
        database(),
        "(select count(*) = 20 from jobtable.job where type = 'fine' and status = 'completed')",
      )
    } finally {
      await database().query('drop function refuse_start cascade')
    }
    await allFinished(database())
  })
})

test.each([
  { code: 'P0001', end: 'completed' },
  { code: '23514', end: 'failed' },
])(
  'an outcome that a trigger refuses with $code keeps neither others nor claims waiting',
  async ({ code, end }) => {
    await database().query(
      `create function refuse_end() returns trigger language plpgsql as $$
     begin
       if new.type = 'refused' and new.status in ('completed', 'failed') then
         raise exception 'not today' using errcode = '${code}';
       end if;
       return new;
     end $$;
     create trigger refuse_end before update on jobtable.job
     for each row execute function refuse_end()`,
    )
    const allFine = async (count: number): Promise<void> =>
      await until(
        database(),
        "(select count(*) = $1 from jobtable.job where type = 'fine' and status = 'completed')",
        [count],
      )
    try {
      await startWorker(database(), { executors: [noop('refused'), noop('fine')] })
      await insert('refused', 3)
      await insert('fine', 40)
      await allFine(40)
      await insert('fine', 40)
      await allFine(80)
    } finally {
      await database().query('drop function refuse_end cascade')
    }
    await allFinished(database())
    expect(
      await database().query("select distinct status from jobtable.job where type = 'refused'"),
    ).toEqual([{ status: end }])
  },
)

describe('what one job tells', () => {
  test('and PostgreSQL cannot hold, harms no other', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'tells',
          execute({ log, progress, job }) {
            log.info('a\0b \uD800', { 'key\0': '\0', [job.id]: 1 })
            progress({ stage: '\0' })
          },
        }),
      ],
    })
    await insert('tells', 30)
    await allFinished(database())
    const [counts] = await database().query(
      `select count(*)::integer as n, count(*) filter (where message = 'ab \uFFFD')::integer as clean
       from jobtable.job_log`,
    )
    expect(counts).toEqual({ n: 30, clean: 30 })
  })

  test('is not kept from others by a client that has locked a row of job_progress', async () => {
    const held = gate()
    await startWorker(database(), {
      concurrency: 20,
      executors: [
        defineExecutor({
          type: 'goes_on',
          async execute({ progress }) {
            progress(0.1)
            await held.opened
            progress(0.2)
          },
        }),
        defineExecutor({ type: 'tells_too', execute: ({ progress }) => progress(1) }),
      ],
    })
    const [id] = await insert('goes_on')
    await until(database(), 'exists (select from jobtable.job_progress)')
    const client = new pg.Client({ connectionString: database().url })
    await client.connect()
    await client.query('begin')
    await client.query('select from jobtable.job_progress where job = $1 for update', [id])
    held.open()
    await insert('tells_too', 30)
    await until(
      database(),
      "(select count(*) = 30 from jobtable.job where type = 'tells_too' and status = 'completed')",
    )
    await client.query('commit')
    await client.end()
    await allFinished(database())
    expect(
      await database().query('select fraction from jobtable.job_progress where job = $1', [id]),
    ).toEqual([{ fraction: 0.2 }])
  })
})

test('more log lines than fit a statement, of a job that a client has locked, delay no other’s', async () => {
  const LINES = 2_500
  const held = gate()
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'tells_much',
        async execute({ log }) {
          await held.opened
          for (let n = 0; n < LINES; n += 1) log.info(String(n))
        },
      }),
      defineExecutor({ type: 'tells', execute: ({ log }) => log.info('told') }),
    ],
  })
  const [id] = await insert('tells_much')
  await until(database(), "(select status = 'started' from jobtable.job where id = $1)", [id])
  const client = new pg.Client({ connectionString: database().url })
  await client.connect()
  await client.query('begin')
  await client.query('select from jobtable.job where id = $1 for update', [id])
  held.open()
  try {
    for (let round = 0; round < 2; round += 1) {
      const others = await insert('tells', 20)
      await until(
        database(),
        "(select bool_and(status = 'completed') from jobtable.job where id = any ($1))",
        [others],
      )
    }
  } finally {
    await client.end()
  }
  await allFinished(database())
  const [told] = await database().query<{ lines: string[] }>(
    'select array_agg(message order by id) as lines from jobtable.job_log where job = $1',
    [id],
  )
  expect(told?.lines).toEqual(Array.from({ length: LINES }, (_, n) => String(n)))
})

test('a job that logs very much does not hold up the outcomes of others', async () => {
  const LINES = 40_000
  await database().query(
    `create table public.seen (lines bigint);
     create function public.note_lines() returns trigger language plpgsql as $$
     begin
       insert into public.seen select count(*) from jobtable.job_log;
       return null;
     end $$;
     create trigger note_lines after update on jobtable.job
     for each row when (new.type = 'tells' and new.status = 'completed')
     execute function public.note_lines()`,
  )
  const flooded = gate()
  const told = gate()
  try {
    await startWorker(database(), {
      concurrency: 2,
      executors: [
        defineExecutor({
          type: 'floods',
          async execute({ log }) {
            for (let n = 0; n < LINES; n += 1) log.info(String(n))
            flooded.open()
            await told.opened
          },
        }),
        defineExecutor({
          type: 'tells',
          async execute({ log }) {
            await flooded.opened
            log.info('told')
          },
        }),
      ],
    })
    const [teller] = await insert('tells')
    const [flooder] = await insert('floods')
    const completed = "(select status = 'completed' from jobtable.job where id = $1)"
    await until(database(), completed, [teller])
    told.open()
    const [seen] = await database().query<{ lines: string }>('select lines from public.seen')
    expect(Number(seen?.lines)).toBeLessThan(LINES / 2)
    await allFinished(database())
    const [written] = await database().query(
      `select count(*)::integer as lines, bool_and(l.message = l.n::text) as ordered
       from (
         select message, row_number() over (order by id) - 1 as n
         from jobtable.job_log where job = $1
       ) l`,
      [flooder],
    )
    expect(written).toEqual({ lines: LINES, ordered: true })
  } finally {
    await database().query('drop function public.note_lines cascade')
  }
})

test('an error that says the lease is lost, while it is not, fails the job', async () => {
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'mistaken',
        execute() {
          throw new LeaseLostError('JT014', 'of some other job')
        },
      }),
    ],
  })
  const [id] = await insert('mistaken')
  await allFinished(database())
  expect(await database().query('select status from jobtable.job where id = $1', [id])).toEqual([
    { status: 'failed' },
  ])
})

test('more transactions than connections wait for one another, and none fails', async () => {
  await startWorker(database(), {
    concurrency: 30,
    executors: [
      defineExecutor({
        type: 'crowded',
        execute: async ({ transaction }) =>
          await transaction(async ({ query }) => {
            await query('select pg_sleep(0.05)')
          }),
      }),
    ],
  })
  await insert('crowded', 60)
  await allFinished(database())
  expect(
    await database().query(
      "select count(*)::integer as n from jobtable.job where status = 'completed'",
    ),
  ).toEqual([{ n: 60 }])
})

test('a grace period longer than a timer holds is not a short one', async () => {
  const held = gate()
  const worker = await startWorker(database(), {
    graceMs: 3_000_000_000,
    executors: [defineExecutor({ type: 'patient', execute: async () => await held.opened })],
  })
  const begun = next(worker, 'begun')
  const [id] = await insert('patient')
  await begun
  const stopped = worker.stop()
  await until(database(), 'true')
  held.open()
  await stopped
  expect(await database().query('select status from jobtable.job where id = $1', [id])).toEqual([
    { status: 'completed' },
  ])
})
