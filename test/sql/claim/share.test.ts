import fc from 'fast-check'
import { expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob } from '../../support/job.ts'
import { openSession, type Session } from '../../support/session.ts'
import { only, outcome, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

test('two workers that claim at the same time are never handed the same job', async () => {
  const ticker = await startTicker(database(), 'two')
  const ids = await insertJobs(database(), 'two', 480)
  await using first = await openSession(database())
  await using second = await openSession(database())
  await first.query('begin')
  await second.query('begin')
  // The second is handed what is in the entries that the first has not touched.
  const a = await ticker.claim({ slots: 240, session: first })
  const b = await ticker.claim({ slots: 240, session: second })
  await first.query('commit')
  await second.query('commit')
  expect(a).toHaveLength(240)
  expect(b.length).toBeGreaterThan(0)
  const rest = await ticker.claim()
  expect([...a, ...b, ...rest].map((job) => job.id).toSorted()).toEqual(ids.toSorted())
})

test('what one worker is taking at this moment is passed over, not waited for', async () => {
  const ticker = await startTicker(database(), 'passed')
  await insertJobs(database(), 'passed', 10)
  const late = await insertJob(database(), 'passed')
  await using first = await openSession(database())
  await using second = await openSession(database())
  await first.query('begin')
  expect(await ticker.claim({ slots: 1, session: first })).toHaveLength(1)
  expect(only(await ticker.claim({ session: second })).id).toBe(late)
  const answer = await ticker.tick({ ranges: ticker.ranges(), slots: 5 }, second)
  expect(answer).toMatchObject({ claimed: [], looked: 0, more: true })
  await first.query('commit')
  expect(await ticker.claim({ session: second })).toHaveLength(9)
})

test('jobs that a worker took are there again if its transaction is undone', async () => {
  const ticker = await startTicker(database(), 'undone')
  const ids = await insertJobs(database(), 'undone', 300)
  await using worker = await openSession(database())
  await worker.query('begin')
  expect(await ticker.claim({ slots: 250, session: worker })).toHaveLength(250)
  await worker.query('rollback')
  expect((await ticker.claim()).map((job) => job.id)).toEqual(ids)
})

/** One step of a session of the property below. */
type Step =
  | { readonly kind: 'insert'; readonly count: number; readonly priority: number }
  | { readonly kind: 'claim'; readonly slots: number; readonly prefetch: number }
  | { readonly kind: 'begin' | 'finish' | 'release' | 'undo' | 'steer' | 'delete' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      count: fc.integer({ min: 1, max: 300 }),
      priority: fc.integer({ min: -1, max: 1 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      slots: fc.integer({ min: 0, max: 100 }),
      prefetch: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'begin' as const,
        'finish' as const,
        'release' as const,
        'undo' as const,
        'steer' as const,
        'delete' as const,
      ),
    }),
  },
)

/** A worker of the property: what it holds, by what it was told. */
class Player {
  readonly #type: string
  readonly #session: Session
  readonly #ticker: Ticker
  #held: Awaited<ReturnType<Ticker['claim']>> = []
  readonly started: string[] = []

  constructor(type: string, session: Session, ticker: Ticker) {
    this.#type = type
    this.#session = session
    this.#ticker = ticker
  }

  async play(step: Step): Promise<void> {
    const session = this.#session
    switch (step.kind) {
      case 'insert':
        await session.query(
          `insert into jobtable.job (type, priority)
           select $1, nullif($3::smallint, 0) from generate_series(1, $2)`,
          [this.#type, step.count, step.priority],
        )
        return
      case 'claim': {
        const jobs = await this.#ticker.claim({ ...step, session })
        for (const job of jobs) if (job.status === 'started') this.started.push(job.id)
        this.#held = [...this.#held, ...jobs]
        return
      }
      case 'undo':
        await session.query('begin')
        await this.#ticker.claim({ slots: 30, prefetch: 5, session })
        await session.query('rollback')
        return
      case 'begin': {
        const queued = this.#held.filter((job) => job.status === 'queued')
        const { begun, waiting } = await this.#ticker.begin(queued, session)
        this.started.push(...begun)
        this.#held = this.#held.flatMap((job) => {
          if (job.status === 'started' || waiting.includes(job.id)) return [job]
          return begun.includes(job.id) ? [{ ...job, status: 'started' as const }] : []
        })
        return
      }
      case 'finish':
      case 'release': {
        const kind = step.kind === 'finish' ? 'completed' : 'released'
        const ending = this.#held.filter(
          (job) => job.status === (step.kind === 'finish' ? 'started' : 'queued'),
        )
        const { locked } = await this.#ticker.finish(
          ending.map((job) => outcome(job, kind)),
          session,
        )
        this.#held = this.#held.filter((job) => !ending.includes(job) || locked.includes(job.id))
        return
      }
      case 'steer':
        await this.#some('update jobtable.job set priority = id % 3')
        return
      case 'delete':
        await this.#some('delete from jobtable.job')
        return
    }
  }

  /** A client that touches every seventh job that waits, taking the locks of all of them at once. */
  async #some(change: string): Promise<void> {
    await this.#session.query(
      `${change} where id = any (array(
         select id from jobtable.job where type = $1 and status = 'new' and id % 7 = 0
         order by id for update skip locked))`,
      [this.#type],
    )
  }
}

test('whatever sessions do at the same time, each job starts once and none is forgotten', async () => {
  const sessions = await Promise.all(
    Array.from({ length: 3 }, async () => await openSession(database())),
  )
  let round = 0
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 5, maxLength: 25 }), { minLength: 3, maxLength: 3 }),
        async (scripts) => {
          round += 1
          const type = `round ${round}`
          const ticker = await startTicker(database(), type)
          const players = sessions.map((session) => new Player(type, session, ticker))
          await Promise.all(
            players.map(async (player, index) => {
              for (const step of scripts[index] ?? []) await player.play(step)
            }),
          )
          for (const player of players) {
            await player.play({ kind: 'begin' })
            await player.play({ kind: 'finish' })
          }
          await using last = await openSession(database())
          await last.query(`set jobtable.now = '2100-01-01'`)
          const player = new Player(type, last, ticker)
          for (let n = 0; n < 12; n += 1) {
            await player.play({ kind: 'claim', slots: 1_000, prefetch: 0 })
          }
          await player.play({ kind: 'finish' })
          const started = [...players, player].flatMap((one) => one.started)
          expect(started.length).toBe(new Set(started).size)
          const left = await database().query(
            `select id, status, attempt from jobtable.job
             where type = $1 and (status <> 'completed' or attempt <> 1)`,
            [type],
          )
          expect(left).toEqual([])
        },
      ),
      { numRuns: 12, endOnFailure: true },
    )
  } finally {
    await Promise.all(sessions.map(async (session) => await session[Symbol.asyncDispose]()))
  }
})

test('a job is handed out under a lease that fences every earlier one', async () => {
  const ticker = await startTicker(database(), 'fenced')
  const id = await insertJob(database(), 'fenced')
  const first = only(await ticker.claim())
  await ticker.finish([outcome(first, 'released')])
  const second = only(await ticker.claim())
  expect(second).toMatchObject({ id, attempt: 2 })
  const { lost } = await ticker.finish([outcome(first, 'completed')])
  expect(lost).toEqual([id])
  expect(await readJob(database(), id)).toMatchObject({ status: 'started', lease: second.lease })
})
