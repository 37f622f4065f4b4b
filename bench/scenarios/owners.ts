import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import type { Contender } from '../lib/contender.ts'
import { measureDrain } from '../lib/drain.ts'
import { type Figures, formatCount } from '../lib/figures.ts'
import { meterSingles, meterStatement } from '../lib/inserts.ts'
import { withClient } from '../lib/postgres.ts'
import { openQueue, type Queue } from '../lib/queue.ts'
import type { Cell, Scenario } from '../lib/scenario.ts'

const WAYS = ['all together', 'kept apart'] as const
type Way = (typeof WAYS)[number]

/** In the order in which enable_isolation takes them. */
const GROUPS = ['reader', 'submitter', 'operator', 'worker', 'admin'] as const

/** Only for logins of a bench, on a server that listens on loopback. */
const PASSWORD = 'bench'

/** How a worker and a client connect. */
interface Logins {
  readonly worker: string
  readonly submitter: string
}

export const owners: Scenario = {
  name: 'owners',
  purpose:
    'what it costs to keep owners apart, by logins with the rights of a worker and of a submitter',
  rounds: 8,
  contenders: ['jobtable:default'],
  cells: (bench) => {
    const { quick } = bench.options
    const jobs = quick ? 50_000 : 500_000
    return WAYS.flatMap((way): Cell[] => [
      {
        name: `${formatCount(jobs)} jobs, 1 worker, ${way}`,
        measure: async (contender) => ({
          figures: await measureWorker(bench, contender, way, jobs),
        }),
      },
      {
        name: `32 clients, ${way}`,
        measure: async (contender) => ({
          figures: await measureSingles(bench, contender, way, quick ? 2 : 5),
        }),
      },
      {
        name: `${formatCount(jobs)} rows, one INSERT … SELECT, ${way}`,
        measure: async (contender) => ({
          figures: await measureStatement(bench, contender, way, jobs),
        }),
      },
    ])
  },
}

/**
 * Keeps the owners of one queue apart, or not. Roles are the whole server's: they are named after the
 * queue's database, and go after it.
 */
class Apart implements AsyncDisposable {
  readonly #bench: Bench
  readonly #way: Way
  readonly #roles: string[] = []

  constructor(bench: Bench, way: Way) {
    this.#bench = bench
    this.#way = way
  }

  async arrange({ target, database }: Queue): Promise<Logins> {
    if (this.#way === 'all together') return { worker: target.url, submitter: target.url }
    const groups = GROUPS.map((group) => `${database?.name}_${group}`)
    this.#roles.push(...groups)
    await withClient(target.url, async (client) => {
      await client.query(`select jobtable.set_owner_source('role')`)
      await client.query('select jobtable.enable_isolation($1, $2, $3, $4, $5)', groups)
    })
    const login = async (group: string): Promise<string> => {
      const name = `${group}_login`
      this.#roles.unshift(name)
      const text = `create role ${name} login password '${PASSWORD}' in role ${group}`
      await this.#bench.postgres.admin.query(text)
      return Object.assign(new URL(target.url), { username: name, password: PASSWORD }).href
    }
    return {
      worker: await login(`${database?.name}_worker`),
      submitter: await login(`${database?.name}_submitter`),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const role of this.#roles) await this.#bench.postgres.admin.query(`drop role ${role}`)
  }
}

async function measureWorker(
  bench: Bench,
  contender: Contender,
  way: Way,
  jobs: number,
): Promise<Figures> {
  await using apart = new Apart(bench, way)
  return await measureDrain(bench, contender, {
    batch: { count: jobs },
    arrange: async (queue) => ({ url: (await apart.arrange(queue)).worker }),
  })
}

async function measureSingles(
  bench: Bench,
  contender: Contender,
  way: Way,
  seconds: number,
): Promise<Figures> {
  await using apart = new Apart(bench, way)
  await using queue = await openQueue(bench, contender, [NOOP])
  const { submitter: url } = await apart.arrange(queue)
  const theirs = { ...queue, target: { ...queue.target, url } }
  return await meterSingles(bench, theirs, { clients: 32, seconds })
}

async function measureStatement(
  bench: Bench,
  contender: Contender,
  way: Way,
  rows: number,
): Promise<Figures> {
  await using apart = new Apart(bench, way)
  await using queue = await openQueue(bench, contender, [NOOP])
  const { submitter: url } = await apart.arrange(queue)
  const target = { ...queue.target, url }
  return await meterStatement(queue, rows, () => queue.system.enqueue(target, { count: rows }))
}
