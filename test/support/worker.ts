import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect } from 'vitest'
import { logEvents } from '../../src/cli/worker-log.ts'
import type { WorkerEvents } from '../../src/events.ts'
import { loggerTo } from '../../src/log.ts'
import { Worker, type WorkerOptions } from '../../src/worker.ts'
import type { Database } from './database.ts'
import { type Pooler, startPooler } from './pooler.ts'

/** How long a condition may take to come true: far longer than it should, so that only faults end here. */
const PATIENCE_MS = 20_000

/** Whether workers reach the database through PgBouncer in transaction mode, but to LISTEN. */
const isPooled = process.env['JOBTABLE_TEST_POOLED'] !== undefined
/** Server connections of that PgBouncer: fewer than a worker may ask for. */
const POOL_SIZE = 12

const running = new Set<Worker>()
const poolers = new Map<string, Promise<Pooler>>()

/** Starts a worker on the test's database; it is stopped after the test. */
export async function startWorker(
  database: Database,
  options: Omit<WorkerOptions, 'connectionString'> & { readonly connectionString?: string },
): Promise<Worker> {
  const worker = new Worker({ ...(await addressesOf(database)), graceMs: 0, ...options })
  running.add(worker)
  await worker.start()
  return worker
}

async function addressesOf({
  url,
}: Database): Promise<Pick<WorkerOptions, 'connectionString' | 'listenConnectionString'>> {
  if (!isPooled) return { connectionString: url }
  const pooler = poolers.get(url) ?? startPooler(url, { size: POOL_SIZE })
  poolers.set(url, pooler)
  return { connectionString: (await pooler).url, listenConnectionString: url }
}

/**
 * Stops every worker that a test of this file has started, before the leak check looks, and removes all
 * jobs, started ones too.
 */
export function cleanUpAfterEach(database: () => Database): void {
  afterEach(async () => {
    await Promise.all(Array.from(running, async (worker) => await worker.stop()))
    running.clear()
    for (const pooler of poolers.values()) await (await pooler)[Symbol.asyncDispose]()
    poolers.clear()
    await database().query(
      `with unlocked as materialized (select set_config('jobtable.writer', 'queue', true)),
         forgotten as (update jobtable.job set status = 'new' from unlocked where status = 'started')
       select`,
    )
    await database().query('delete from jobtable.job')
  })
}

/** What a worker's log would say, as it does. */
export function linesOf(worker: Worker): readonly string[] {
  const lines: string[] = []
  logEvents(
    worker,
    loggerTo((_level, message) => lines.push(message)),
  )
  return lines
}

/** How a log tells of an outage, and of its end. */
export const TROUBLE = 'trouble with the database'
export const RECOVERED = 'the database answers again'

/** Waits until a log tells that an outage is over: it has told of one outage, once. */
export async function expectToldOnce(lines: readonly string[]): Promise<void> {
  const told = (start: string): number => lines.filter((line) => line.startsWith(start)).length
  await expect.poll(() => told(RECOVERED), { timeout: PATIENCE_MS }).toBeGreaterThan(0)
  expect([told(TROUBLE), told(RECOVERED)]).toEqual([1, 1])
}

/** The arguments of a worker's next event of one kind. */
export async function next<E extends keyof WorkerEvents>(
  worker: Worker,
  event: E,
  patienceMs: number = PATIENCE_MS,
): Promise<WorkerEvents[E]> {
  return (await once(worker.events, event, {
    signal: AbortSignal.timeout(patienceMs),
  })) as unknown as WorkerEvents[E]
}

/** Waits until a query's first value is true, asking again and again. */
export async function until(
  database: Pick<Database, 'query'>,
  condition: string,
  values: readonly unknown[] = [],
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const [row] = await database.query(`select (${condition}) as holds`, values)
    if (row?.['holds'] === true) return
    if (Date.now() > deadline)
      throw new Error(`still not true: ${condition} ${JSON.stringify(values)}`)
    await delay(5)
  }
}

/** Waits until a worker has given so many more signs of life, whatever the database's clock says. */
export async function beats(
  database: Pick<Database, 'query'>,
  worker: string,
  count: number,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const version = async (): Promise<string> => {
    const [row] = await database.query<{ version: string }>(
      'select xmin::text as version from jobtable.worker where id = $1',
      [worker],
    )
    return row?.version ?? ''
  }
  let last = await version()
  for (let beat = 0; beat < count; beat += 1) {
    await until(
      database,
      '(select xmin::text <> $2 from jobtable.worker where id = $1)',
      [worker, last],
      patienceMs,
    )
    last = await version()
  }
}

/** A promise that a test settles from outside, for executors that wait for it. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

/** Waits until no job of the database is waiting or running. */
export async function allFinished(
  database: Pick<Database, 'query'>,
  patienceMs?: number,
): Promise<void> {
  await until(
    database,
    "not exists (select from jobtable.job where status in ('new', 'queued', 'started'))",
    [],
    patienceMs,
  )
}
