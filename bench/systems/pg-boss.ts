import { type ConstructorOptions, PgBoss, type WorkOptions } from 'pg-boss'
import { chunksOf, jobOf, NOOP } from '../lib/batch.ts'
import { numberFrom, withClient } from '../lib/postgres.ts'
import { watchCompletions } from './completions.ts'
import { payloadOf, type Settings, type System, type Work } from './system.ts'

/** Jobs of one call of insert, which sends them as one JSON text. */
const CHUNK = 10_000

const FETCH_BATCH = 2_000
const LOOPS = 4

export const pgBoss: System = {
  name: 'pg-boss',
  server: 'postgres',
  variants: [
    // One job every two seconds: its worker sleeps between two fetches, however many jobs wait.
    { name: 'default', settings: {}, source: 'docs/api/workers.md of its repository', atMost: 10 },
    {
      name: 'fastest',
      settings: {
        batchSize: FETCH_BATCH,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
        localConcurrency: LOOPS,
      },
      source: 'dist/types.d.ts of its package, JobPollingOptions, WorkConcurrencyOptions',
    },
    {
      name: 'bare',
      settings: { fetchLoops: LOOPS, batchSize: FETCH_BATCH },
      source: 'fetch and complete, docs/api/jobs.md of its repository, without its worker',
    },
  ],
  table: 'pgboss.job_common',
  surveySql: 'select state, count(*), max(started_on) from pgboss.job group by state',
  install: (target, types) =>
    withBoss(target.url, async (boss) => {
      for (const type of types) await boss.createQueue(type)
    }),
  enqueue: ({ url }, batch) =>
    withBoss(url, async (boss) => {
      const job = jobOf(batch)
      for (const { first, count } of chunksOf(batch, CHUNK)) {
        const byType = new Map<string, { data: object; startAfter?: number }[]>()
        for (let n = first; n < first + count; n += 1) {
          const { type, payload } = job(n)
          const startAfter = batch.delaySeconds
          const jobs = byType.get(type) ?? []
          jobs.push({ data: payload, ...(startAfter === undefined ? {} : { startAfter }) })
          byType.set(type, jobs)
        }
        for (const [type, jobs] of byType) await boss.insert(type, jobs, { returnId: false })
      }
    }),
  count: ({ url }) =>
    withClient(url, async (client) => ({
      left: await numberFrom(
        client,
        `select count(*) from pgboss.job
         where name not like '\\_\\_%' and state <> 'completed'`,
      ),
      completed: await numberFrom(
        client,
        `select count(*) from pgboss.job
         where name not like '\\_\\_%' and state = 'completed'`,
      ),
    })),
  sender: async ({ url }, connections) => {
    const boss = await startBoss({ connectionString: url, max: connections, supervise: false })
    return {
      send: async (payload) => void (await boss.send(NOOP, payload)),
      close: () => boss.stop({ graceful: false }),
    }
  },
  start: async ({ url }, settings, work) => {
    const boss = await startBoss({ connectionString: url })
    const { fetchLoops, ...workOptions } = settings
    if (typeof fetchLoops === 'number') return loop(boss, fetchLoops, workOptions, work)
    watchCompletions(completedIds, work.completed)
    for (const type of work.types) {
      await boss.work(type, workOptions satisfies WorkOptions, async (jobs) => {
        const { begin } = work
        if (begin === undefined) return
        await Promise.all(jobs.map(async ({ id, data }) => await begin(id, payloadOf(data))))
      })
    }
    return () => boss.stop({ graceful: false })
  },
}

/** Loops that fetch and complete, as many at once, until the queue is empty. */
function loop(
  boss: PgBoss,
  loops: number,
  options: Settings,
  { types, completed }: Work,
): () => Promise<void> {
  const stopping = new AbortController()
  const run = async (type: string): Promise<void> => {
    while (!stopping.signal.aborted) {
      const jobs = await boss.fetch(type, options)
      if (jobs.length === 0) return
      const ids = jobs.map(({ id }) => id)
      await boss.complete(type, ids)
      completed(ids.length, () => ids)
    }
  }
  const running = types.flatMap((type) => Array.from({ length: loops }, () => run(type)))
  return async () => {
    stopping.abort()
    await Promise.all(running)
    await boss.stop({ graceful: false })
  }
}

/** dist/plans.js, completeJobsUpdate: queue, ids, output. */
function completedIds(text: string, [, ids]: readonly unknown[]): readonly string[] | undefined {
  return text.includes(`state = 'completed',`) && Array.isArray(ids) ? ids.map(String) : undefined
}

async function startBoss(options: ConstructorOptions): Promise<PgBoss> {
  const boss = new PgBoss(options)
  // Without a listener an error would end the process; what is not completed is missing at the end.
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
  await boss.start()
  return boss
}

async function withBoss(url: string, use: (boss: PgBoss) => Promise<void>): Promise<void> {
  const boss = await startBoss({ connectionString: url, supervise: false, schedule: false })
  try {
    await use(boss)
  } finally {
    await boss.stop({ graceful: false })
  }
}
