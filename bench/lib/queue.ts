import type { Settings, System, Target } from '../systems/system.ts'
import type { Bench } from './bench.ts'
import type { Contender } from './contender.ts'
import { type Body, type Task } from './messages.ts'
import { type Meter, meterPostgres, meterRedis, type ReadUsage } from './meter.ts'
import { type BenchDatabase, withClient } from './postgres.ts'
import { Runners } from './runner.ts'

/** A contender's empty queue in a database of its own, dropped with it. */
export interface Queue extends AsyncDisposable {
  readonly system: System
  readonly target: Target
  /** Undefined on Redis. */
  readonly database: BenchDatabase | undefined
  /** To be called when the queue holds what the run shall meet. */
  settle(): Promise<void>
  /** Workers with the contender's settings, ready to start. */
  prepare(work: Partial<WorkPlan>): Promise<Runners>
  /** Begins to meter, with a checkpoint. */
  meter(readUsage: ReadUsage): Promise<Meter>
}

export interface WorkPlan {
  /** Whose worker it is. Default: the contender's. */
  readonly system: System
  readonly types: readonly string[]
  readonly body: Body
  readonly jobs: number
  readonly processes: number
  readonly settings: Settings
  /** How the worker connects. Default: as the queue's owner. */
  readonly url: string
}

export async function openQueue(
  bench: Bench,
  { system, variant, checkout }: Contender,
  types: readonly string[],
): Promise<Queue> {
  await using stack = new AsyncDisposableStack()
  let database: BenchDatabase | undefined
  let url: string
  if (system.server === 'postgres') {
    database = stack.use(await bench.postgres.createDatabase())
    url = database.url
  } else {
    const redis = await bench.redis()
    stack.defer(() => redis.clear())
    url = redis.url
  }
  const target = { url, checkout }
  await system.install(target, types)
  const kept = stack.move()
  return {
    system,
    target,
    database,
    settle: async () => {
      // A queue that lives has statistics, and has been vacuumed; one that was filled a second ago would be
      // while the clock runs.
      if (database !== undefined) await withClient(url, (client) => client.query('vacuum analyze'))
    },
    prepare: async ({ processes = 1, ...plan }) => {
      const { jobs = 0, body = 'nothing', system: worker = system } = plan
      // Another system's worker runs with its defaults.
      const { settings = worker === system ? variant.settings : {} } = plan
      const names = plan.types ?? types
      const task: Task = {
        system: worker.name,
        env: worker.env,
        target: { ...target, url: plan.url ?? url },
        settings,
        types: names,
        body,
        jobs,
      }
      return await Runners.prepare(task, processes)
    },
    meter: async (readUsage) =>
      database === undefined
        ? await meterRedis(await bench.redis(), readUsage)
        : await meterPostgres(bench.postgres, database, system.table ?? '', readUsage),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
