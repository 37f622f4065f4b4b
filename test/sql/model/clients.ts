import fc from 'fast-check'
import * as queries from '../../../src/queries/maintenance.ts'
import { insertJob } from '../../support/job.ts'
import { refusedBy } from '../../support/refusal.ts'
import { type Command, command, expectSame, type Glance, pick, setClock } from './command.ts'
import { type Queue, type Steering, type Type } from './queue.ts'

const job = fc.nat({ max: 11 })

/** From now, or not said. */
const restMs = fc.constantFrom(undefined, -1_000, 0, 3_000, 60_000)

const priority = fc.constantFrom(null, -1, 0, 1)

function hasJobs({ ids }: Glance): boolean {
  return ids.length > 0
}

function timeAt(queue: Queue, rest: number | undefined): number | undefined {
  return rest === undefined ? undefined : queue.now + rest
}

function written(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString()
}

const insert = command({
  name: 'insert',
  args: fc.record({
    type: fc.constantFrom<Type[]>('once', 'thrice'),
    key: fc.constantFrom(null, null, 'a', 'b'),
    priority,
    restMs,
    paused: fc.constantFrom(false, false, false, true),
    maxAttempts: fc.constantFrom(null, null, 2),
  }),
  run: async (queue, { session }, { type, key, priority, restMs, paused, maxAttempts }) => {
    const runAt = timeAt(queue, restMs)
    const columns = {
      key,
      priority,
      run_at: written(runAt) ?? null,
      paused,
      max_attempts: maxAttempts,
    }
    if (queue.isKeyHeld(type, key)) {
      expectSame(await refusedBy(insertJob(session, type, columns)), '23505')
      return
    }
    const id = await insertJob(session, type, columns)
    queue.insert(id, { type, key, priority, runAt: runAt ?? queue.now, paused, maxAttempts })
  },
})

const insertMany = command({
  name: 'insertMany',
  args: fc.record({
    type: fc.constantFrom<Type[]>('once', 'thrice', 'thrice'),
    paused: fc.boolean(),
  }),
  run: async (queue, { session }, { type, paused }) => {
    const columns = { type, key: null, runAt: queue.now, paused, maxAttempts: null }
    const rows = await session.query<{ id: string; priority: number }>(
      `insert into jobtable.job (type, priority, paused)
       select $1, n % 2, $2 and n = 3 from generate_series(1, 3) n
       returning id, priority, paused`,
      [type, paused],
    )
    for (const row of rows) queue.insert(row.id, { ...columns, ...row })
  },
})

const steer = command({
  name: 'steer',
  args: fc.oneof(
    fc.record({ job, priority }),
    fc.record({ job, restMs: fc.constantFrom(-1_000, 0, 3_000, 60_000) }),
    fc.record({ job, paused: fc.boolean() }),
    fc.record({ job, title: fc.constantFrom('One', 'Two') }),
  ),
  possible: hasJobs,
  run: async (queue, { session }, { job, ...change }) => {
    const id = pick(queue.ids, job)
    const { restMs, ...others }: Steering & { restMs?: number } = change
    const steering = restMs === undefined ? others : { runAt: queue.now + restMs }
    const columns = Object.entries(steering).map(([name, value]) =>
      name === 'runAt' ? (['run_at', written(Number(value))] as const) : ([name, value] as const),
    )
    const [column, value] = pick(columns, 0)
    const update = session.query(`update jobtable.job set ${column} = $2 where id = $1`, [
      id,
      value,
    ])
    expectSame(await refusedBy(update), queue.steer(id, steering))
  },
})

const remove = command({
  name: 'delete',
  args: fc.record({ job }),
  possible: hasJobs,
  run: async (queue, { session }, { job }) => {
    const id = pick(queue.ids, job)
    const statement = session.query('delete from jobtable.job where id = $1', [id])
    expectSame(await refusedBy(statement), queue.delete(id))
  },
})

const cancel = command({
  name: 'cancel',
  args: fc.record({ job }),
  possible: hasJobs,
  run: async (queue, { session }, { job }) => {
    const id = pick(queue.ids, job)
    const statement = session.query('select jobtable.cancel($1)', [id])
    expectSame(await refusedBy(statement), queue.cancel(id))
  },
})

const resubmit = command({
  name: 'resubmit',
  args: fc.record({ job, restMs }),
  possible: hasJobs,
  run: async (queue, { session }, { job, restMs }) => {
    const id = pick(queue.ids, job)
    const runAt = timeAt(queue, restMs)
    if (runAt === undefined || !queue.jobs.has(id) || queue.jobs.get(id)?.status === 'new') {
      const statement = session.query('select jobtable.resubmit($1)', [id])
      expectSame(await refusedBy(statement), queue.resubmit(id, undefined))
    } else {
      const statement = session.query(
        "update jobtable.job set status = 'new', run_at = $2 where id = $1",
        [id, written(runAt)],
      )
      expectSame(await refusedBy(statement), queue.resubmit(id, runAt))
    }
  },
})

const purge = command({
  name: 'purge',
  args: fc.constant({}),
  run: async (queue, { session }) => {
    expectSame(await queries.purge(session.client, 1_000), queue.purge())
  },
})

const travel = command({
  name: 'travel',
  args: fc.record({ ms: fc.constantFrom(1_000, 3_000, 15_000, 60_000, 660_000) }),
  run: async (queue, real, { ms }) => {
    queue.now += ms
    await setClock(real, queue.now)
  },
})

/** What clients do, and time; as often as they stand here. */
export const clients: readonly fc.Arbitrary<Command>[] = [
  insert,
  insert,
  insertMany,
  steer,
  steer,
  remove,
  cancel,
  resubmit,
  resubmit,
  purge,
  travel,
  travel,
]
