import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as fc from 'fast-check'
import { from as copyFrom } from 'pg-copy-streams'
import { expect, test } from 'vitest'
import * as queries from '../../../src/queries/running.ts'
import type { HandedJob } from '../../../src/queries/tick.ts'
import { countedJobs, countsOf } from '../../support/counts.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs } from '../../support/job.ts'
import { openSession, type Session } from '../../support/session.ts'
import { outcome, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()
const TYPES = ['a', 'b'] as const

/** What the steps of a run share. */
interface Scene {
  readonly sessions: readonly Session[]
  readonly tickers: readonly Ticker[]
  held: HandedJob[]
  queued: HandedJob[]
}

type Step = (scene: Scene, at: number) => Promise<unknown>

const type = (at: number): string => TYPES[at % TYPES.length] ?? 'a'
const session = (scene: Scene, at: number): Session => scene.sessions[at % 2] as Session
const ticker = (scene: Scene, at: number): Ticker => scene.tickers[at % 2] as Ticker

async function copy(of: Session, name: string): Promise<void> {
  const stream = of.client.query(copyFrom('copy jobtable.job (type) from stdin'))
  await pipeline(Readable.from(`${name}\n${name}\n${name}\n`), stream)
}

async function ended(scene: Scene, kind: Parameters<typeof outcome>[1], count: number) {
  const jobs = scene.held.splice(0, count)
  await ticker(scene, 0).finish(jobs.map((job) => outcome(job, kind)))
}

const STEPS: Readonly<Record<string, Step>> = {
  insert: (s, at) => insertJob(session(s, at), type(at)),
  insertMany: (s, at) => insertJobs(session(s, at), type(at), 300),
  insertMixed: (s, at) =>
    session(s, at).query(
      `insert into jobtable.job (type, priority, paused, run_at)
       select case when n % 2 = 0 then 'a' else 'b' end, n % 3, n % 5 = 0, now() + n % 7 * interval '1 day'
       from generate_series(1, 50) n`,
    ),
  copy: (s, at) => copy(session(s, at), type(at)),
  keyed: (s, at) =>
    session(s, at).query(
      `insert into jobtable.job (type, key) values ($1, 'k') on conflict do nothing`,
      [type(at)],
    ),
  refused: (s, at) => insertJob(session(s, at), 'unknown').catch(() => undefined),
  rollback: async (s, at) => {
    await session(s, at).query('begin')
    await insertJobs(session(s, at), type(at), 5)
    await session(s, at).query('savepoint here')
    await insertJob(session(s, at), type(at))
    await session(s, at).query('rollback to here')
    await session(s, at).query(at % 3 === 0 ? 'commit' : 'rollback')
  },
  claim: async (s, at) => {
    s.held.push(...(await ticker(s, at).claim({ slots: 20 + at })))
  },
  claimLone: async (s, at) => {
    const own = ticker(s, at)
    const answer = await own.tick({ ranges: own.ranges(), slots: 5, woken: true })
    s.held.push(...answer.claimed)
  },
  queue: async (s, at) => {
    s.queued.push(...(await ticker(s, at).claim({ slots: 0, prefetch: 7 })))
  },
  begin: async (s, at) => {
    const jobs = s.queued.splice(0)
    if (at % 2 === 0) {
      await session(s, at).query('update jobtable.job set paused = true where id = any ($1)', [
        jobs.slice(0, 2).map(({ id }) => id),
      ])
    }
    const { begun } = await ticker(s, at).begin(jobs)
    s.held.push(...jobs.filter(({ id }) => begun.includes(id)))
  },
  complete: (s, at) => ended(s, 'completed', 10 + at),
  fail: (s) => ended(s, 'failed', 3),
  snooze: (s) => ended(s, 'snoozed', 2),
  timeOut: (s) => ended(s, 'timed_out', 2),
  cancel: (s) => ended(s, 'cancelled', 2),
  release: (s) => ended(s, 'released', 4),
  giveBack: (s) => ended(s, 'returned', 4),
  completeInTransaction: async (s, at) => {
    const job = s.held.shift()
    if (job === undefined) return
    await session(s, at).query('begin')
    await queries.complete(session(s, at).client, job, '1')
    await session(s, at).query(at % 2 === 0 ? 'commit' : 'rollback')
  },
  resubmit: (s, at) =>
    session(s, at).query(
      `update jobtable.job set status = 'new'
       where id in (select id from jobtable.job
         where status in ('completed', 'failed', 'cancelled') and key is null limit 5)`,
    ),
  steer: (s, at) =>
    session(s, at).query(
      `update jobtable.job set title = 't', paused = false where status = 'new'`,
    ),
  remove: (s, at) =>
    session(s, at).query(
      `delete from jobtable.job where id in (
         select id from jobtable.job where status <> 'started' order by id desc limit 7)`,
    ),
  purge: async (s, at) => {
    await session(s, at).query(`select set_config('jobtable.now', '2100-01-01', false)`)
    await session(s, at).query('select jobtable_internal.purge(20)')
    await session(s, at).query('reset jobtable.now')
  },
  // A claim and a finish that meet rows which a client has locked go a second time, without these.
  lock: async (s, at) => {
    const client = session(s, at)
    const worker = ticker(s, at + 1)
    await client.query('begin')
    await client.query(
      `select from jobtable.job where status in ('new', 'started') and id % 3 = 0 for update`,
    )
    const jobs = s.held.splice(0, 9)
    const { locked } = await worker.finish(jobs.map((job) => outcome(job, 'completed')))
    s.held.push(...jobs.filter(({ id }) => locked.includes(id)))
    s.held.push(...(await worker.claim({ slots: 20 })))
    await client.query('rollback')
  },
  rescue: async (s, at) => {
    const lost = await startTicker(session(s, at), ...TYPES)
    await lost.claim({ slots: 5, prefetch: 3 })
    await session(s, at).query(
      `select jobtable_internal.rescue(w.id, w.seen_at, 100) from jobtable.worker w where w.id = $1`,
      [lost.id],
    )
  },
  fold: (s, at) => session(s, at).query('select jobtable_internal.fold_tally()'),
}

test('the counts are those of the jobs, whatever was done to them', async () => {
  await using first = await openSession(database())
  await using second = await openSession(database())
  const sessions = [first, second]
  const tickers = [await startTicker(database(), ...TYPES), await startTicker(database(), ...TYPES)]
  const scene: Scene = { sessions, tickers, held: [], queued: [] }
  const seen = new Set<string | undefined>()
  const step = fc.tuple(fc.constantFrom(...Object.keys(STEPS)), fc.nat({ max: 11 }))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      for (const [name, at] of steps) await STEPS[name]?.(scene, at)
      const counts = await countsOf(database())
      expect(counts).toEqual(await countedJobs(database()))
      for (const line of counts) seen.add(line.split(' ')[1])
    }),
    { numRuns: 50, endOnFailure: true },
  )
  expect(seen.size, 'statuses that were met').toBeGreaterThan(4)
})

test('a reader counts what it sees: nothing of an open transaction', async () => {
  await using writer = await openSession(database())
  await database().query(`insert into jobtable.job_type (name) values ('seen')`)
  await writer.query('begin')
  await insertJobs(writer, 'seen', 3)
  expect(await countsOf(writer)).toContain('seen new 3')
  expect(await countsOf(database())).not.toContain('seen new 3')
  await writer.query('commit')
  expect(await countsOf(database())).toContain('seen new 3')
})

test('folding shortens the list and keeps the counts, and leaves a short one alone', async () => {
  await database().query(`insert into jobtable.job_type (name) values ('long')`)
  await database().query(
    `do $$ begin for i in 1 .. 2000 loop insert into jobtable.job (type) values ('long'); end loop; end $$`,
  )
  const rows = async (): Promise<number> =>
    (
      await database().query<{ n: number }>(
        'select count(*)::int as n from jobtable_internal.tally',
      )
    )[0]?.n ?? 0
  const fold = 'select jobtable_internal.fold_tally() as folded'
  const long = await rows()
  expect(long).toBeGreaterThan(1_999)
  expect(await database().query(fold)).toEqual([{ folded: long }])
  expect(await rows()).toBeLessThan(30)
  expect(await countsOf(database())).toEqual(await countedJobs(database()))
  expect(await database().query(fold)).toEqual([{ folded: 0 }])
})

test('every function that writes a status counts it', async () => {
  const rows = await database().query(
    `select p.proname as function
     from pg_proc p
     where p.pronamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
       and p.prosrc ~ 'update jobtable\\.job j\\s+set status' and p.prosrc !~ 'jobtable_internal\\.tally'
     order by 1`,
  )
  // A client's own UPDATE, which the guard counts.
  expect(rows).toEqual([{ function: 'resubmit' }])
})
