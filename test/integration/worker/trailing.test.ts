import { once } from 'node:events'
import { expect, test } from 'vitest'
import { MAX_TRAILING } from '../../../src/completer.ts'
import { defineExecutor, type Executor } from '../../../src/executor.ts'
import { loggerTo } from '../../../src/log.ts'
import { interceptAnswers } from '../../support/answers.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
import { openSession, type Session } from '../../support/session.ts'
import {
  allFinished,
  beats,
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

const noop = (type: string) => defineExecutor({ type, execute: () => undefined })

/** Jobs that tell something once they are let go, and end at once. */
function teller(
  type: string,
  options: { readonly timeout?: string; readonly concurrency?: number } = {},
): { executor: Executor; letGo: () => void } {
  const held = gate()
  const executor = defineExecutor({
    type,
    ...options,
    async execute({ progress, log, facet }) {
      log.info('begun')
      await held.opened
      progress({ fraction: 1, stage: 'over' })
      log.info('one')
      log.info('two')
      void facet('job_result', { value: 'told' })
    },
  })
  return { executor, letGo: held.open }
}

/** Waits until so many jobs of a type run, locks their rows as a client may, and answers them. */
async function lockStarted(client: Session, type: string, count: number): Promise<string[]> {
  const started = "from jobtable.job where type = $1 and status = 'started'"
  await until(database(), `(select count(*) = $2 ${started})`, [type, count])
  await until(
    database(),
    `(select count(*) = $2 from jobtable.job_log where job in (select id ${started}))`,
    [type, count],
  )
  await client.query('begin')
  const rows = await client.query<{ id: string }>(`select id ${started} for update`, [type])
  return rows.map((row) => row.id)
}

async function completed(ids: readonly string[]): Promise<void> {
  const all = "(select bool_and(status = 'completed') from jobtable.job where id = any ($1))"
  await until(database(), all, [ids])
}

/** What has been stored of jobs that were told by a `teller`. */
async function stored(ids: readonly string[]): Promise<Record<string, unknown>[]> {
  return await database().query(
    `select r.status, r.stage, r.fraction, r.result,
       (select array_agg(l.message order by l.id) from jobtable.job_log l where l.job = r.id) as lines
     from jobtable.job_report r where r.id = any ($1) order by r.id`,
    [ids],
  )
}

const whole = {
  status: 'completed',
  stage: 'over',
  fraction: 1,
  result: 'told',
  lines: ['begun', 'one', 'two'],
}

test.each([1, 2])(
  'as many locked jobs as the worker’s %i slots, which have told something, leave these to others',
  async (concurrency) => {
    await using client = await openSession(database())
    const { executor, letGo } = teller('locked')
    const worker = await startWorker(database(), {
      concurrency,
      heartbeatMs: 50,
      executors: [executor, noop('fine')],
    })
    await insert('locked', concurrency)
    const ids = await lockStarted(client, 'locked', concurrency)
    letGo()
    for (let round = 0; round < 2; round += 1) {
      await completed(await insert('fine', 20))
    }
    await beats(database(), worker.id ?? '', 2)
    const [receipts] = await database().query(
      'select count(*)::integer as n from jobtable_internal.claim where ids && $1::bigint[]',
      [ids],
    )
    expect(receipts?.['n']).toBeGreaterThan(0)
    expect((await stored(ids)).map(({ status }) => status)).toEqual(ids.map(() => 'started'))
    await client.query('commit')
    await allFinished(database())
    expect(await stored(ids)).toEqual(ids.map(() => whole))
  },
)

test('a job of a limited type begins while the outcome of the one before it waits for a lock', async () => {
  await using client = await openSession(database())
  const { executor, letGo } = teller('locked', { concurrency: 1 })
  await startWorker(database(), {
    concurrency: 3,
    pollMs: 60_000,
    executors: [executor, noop('fine')],
  })
  await insert('locked')
  const ids = await lockStarted(client, 'locked', 1)
  const [second] = await insert('locked')
  // A look that has passed over the second one, and after which the worker sleeps.
  for (let round = 0; round < 2; round += 1) await completed(await insert('fine'))
  letGo()
  await completed([second ?? ''])
  await client.query('commit')
  await allFinished(database())
  expect(await stored(ids)).toEqual([whole])
})

test('a job of a limited type that ends below its limit causes no look for others', async () => {
  await using client = await openSession(database())
  const { executor, letGo } = teller('locked', { concurrency: 2 })
  const worker = await startWorker(database(), {
    concurrency: 3,
    pollMs: 60_000,
    heartbeatMs: 50,
    executors: [executor, noop('fine')],
  })
  await insert('locked')
  const ids = await lockStarted(client, 'locked', 1)
  for (let round = 0; round < 2; round += 1) await completed(await insert('fine'))
  await beats(database(), worker.id ?? '', 2)
  let ticks = 0
  using _ = interceptAnswers(async ({ text, send }) => {
    if (text.includes('jobtable_internal.tick(')) ticks += 1
    return await send()
  })
  letGo()
  await beats(database(), worker.id ?? '', 3)
  expect(ticks).toBe(0)
  await client.query('commit')
  await completed(ids)
  expect(ticks).toBeGreaterThan(0)
})

test('neither a timeout nor a cancel strikes a job that has ended and waits for a lock', async () => {
  await using client = await openSession(database())
  const timeout = '1 second'
  const { executor, letGo } = teller('locked', { timeout })
  await startWorker(database(), {
    concurrency: 2,
    abortGraceMs: 0,
    heartbeatMs: 50,
    executors: [
      executor,
      defineExecutor({ type: 'later', timeout, execute: async () => await new Promise(() => {}) }),
    ],
  })
  await insert('locked')
  const ids = await lockStarted(client, 'locked', 1)
  letGo()
  const [later] = await insert('later')
  await client.query('update jobtable.job set cancel_requested = true where id = any ($1)', [ids])
  await until(database(), "(select status = 'failed' from jobtable.job where id = $1)", [later])
  await client.query('commit')
  await allFinished(database())
  expect(await stored(ids)).toEqual([whole])
})

test('a worker that stops waits for what ended jobs have told, within its grace period', async () => {
  await using client = await openSession(database())
  const { executor, letGo } = teller('locked')
  const worker = await startWorker(database(), { graceMs: 60_000, executors: [executor] })
  await insert('locked', 2)
  const ids = await lockStarted(client, 'locked', 2)
  letGo()
  const stopping = next(worker, 'stopping')
  const stopped = worker.stop()
  await stopping
  await client.query('commit')
  await stopped
  expect(await stored(ids)).toEqual([whole, whole])
})

test.each([
  { how: 'ends by itself', graceMs: 60_000 },
  { how: 'is deaf to its signal', graceMs: 0 },
])(
  'a worker that stops gives back, uncharged, a job whose telling is locked: its executor $how',
  async ({ graceMs }) => {
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('lock table jobtable.job_progress in exclusive mode')
    const ended = gate()
    const worker = await startWorker(database(), {
      graceMs,
      abortGraceMs: 50,
      executors: [
        defineExecutor({
          type: 'tells',
          maxAttempts: 1,
          async execute({ progress }) {
            progress(1)
            if (graceMs === 0) await new Promise(() => {})
            ended.open()
          },
        }),
      ],
    })
    const begun = next(worker, 'begun')
    await insert('tells')
    await begun
    if (graceMs > 0) await ended.opened
    const stopped = worker.stop()
    void worker.stop()
    await stopped
    const jobs = await database().query('select status, attempt, uncharged from jobtable.job')
    expect(jobs).toEqual([{ status: 'new', attempt: 1, uncharged: 1 }])
    expect(await database().query('select outcome from jobtable.job_attempt')).toEqual([
      { outcome: 'released' },
    ])
    expect(await database().query('select from jobtable_internal.claim')).toEqual([])
  },
)

test('a worker that stops asks once for all jobs whether their progress can be written', async () => {
  const JOBS = 60
  let told = 0
  const allTold = gate()
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('lock table jobtable.job_progress in exclusive mode')
  const worker = await startWorker(database(), {
    concurrency: JOBS,
    abortGraceMs: 50,
    executors: [
      defineExecutor({
        type: 'tells',
        async execute({ progress, signal }) {
          progress(0.5)
          told += 1
          if (told === JOBS) allTold.open()
          await once(signal, 'abort')
        },
      }),
    ],
  })
  await insert('tells', JOBS)
  await allTold.opened
  const sizes = new Set<number>()
  using _ = interceptAnswers(async ({ text, values, send }) => {
    if (text.includes('write_progress(')) sizes.add((values[0] as string[]).length)
    return await send()
  })
  await worker.stop()
  expect(sizes).toEqual(new Set([JOBS]))
})

test('a worker that stops misses no outcome of a job that has told something after its own commit', async () => {
  await using client = await openSession(database())
  const locked = gate()
  const ended = gate()
  const errors: string[] = []
  const worker = await startWorker(database(), {
    graceMs: 0,
    abortGraceMs: 50,
    log: loggerTo((level, message) => {
      if (level === 'error' || level === 'warn') errors.push(message)
    }),
    executors: [
      defineExecutor({
        type: 'commits',
        async execute({ transaction, log }) {
          await transaction(async () => await Promise.resolve())
          await locked.opened
          log.info('after')
          ended.open()
        },
      }),
    ],
  })
  const ids = await insert('commits')
  await completed(ids)
  await client.query('begin')
  await client.query('select from jobtable.job for update')
  locked.open()
  await ended.opened
  await worker.stop()
  expect(errors).toEqual([])
})

test.each([0, 500])(
  'nothing is claimed while very many outcomes wait for what the jobs have told; %i taken ahead begin',
  async (prefetch) => {
    await using client = await openSession(database())
    const worker = await startWorker(database(), {
      heartbeatMs: 200,
      prefetch,
      executors: [defineExecutor({ type: 'tells', execute: ({ log }) => log.info('told') })],
    })
    await client.query('begin')
    await client.query('lock table jobtable.job_log in exclusive mode')
    let begun = 0
    let claims = 0
    const full = Promise.withResolvers<void>()
    worker.events.on('begun', () => {
      begun += 1
      if (begun === MAX_TRAILING) full.resolve()
    })
    worker.events.on('claimed', () => (claims += 1))
    const ids = await insert('tells', 6 * MAX_TRAILING)
    await full.promise
    for (let before = -1; claims > before; ) {
      before = claims
      await until(database(), `not exists (select from jobtable.job where status = 'queued')`)
      await beats(database(), worker.id ?? '', 3)
    }
    const statuses = 'select distinct status from jobtable.job order by status'
    expect(await database().query(statuses)).toEqual([{ status: 'new' }, { status: 'started' }])
    await client.query('commit')
    await allFinished(database())
    const [counts] = await database().query(
      'select count(distinct job)::integer as n from jobtable.job_log',
    )
    expect(counts).toEqual({ n: ids.length })
  },
)
