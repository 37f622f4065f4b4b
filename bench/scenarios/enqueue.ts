import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import { insertSingly } from '../lib/clients.ts'
import type { Contender } from '../lib/contender.ts'
import { type Figures, formatCount } from '../lib/figures.ts'
import { meterStatement } from '../lib/inserts.ts'
import { withClient } from '../lib/postgres.ts'
import { openQueue, type Queue } from '../lib/queue.ts'
import type { Runners } from '../lib/runner.ts'
import type { Cell, Scenario } from '../lib/scenario.ts'
import { jobtable } from '../systems/jobtable.ts'
import type { System } from '../systems/system.ts'

/** The type of the worker that has nothing to do. */
const OTHER = 'other'

/** Until a worker that has started listens, too. */
const LISTEN_MS = 1_000

const LOADS = ['no worker', 'a worker of another type', 'a busy worker'] as const
type Load = (typeof LOADS)[number]

export const enqueue: Scenario = {
  name: 'enqueue',
  purpose: 'rows a second of clients that insert, beside a worker and not, and in bulk',
  rounds: 3,
  contenders: ['floor', 'jobtable:default', 'graphile-worker:default'],
  cells: (bench) => {
    const { quick } = bench.options
    const rows = quick ? 100_000 : 1_000_000
    const singles = (quick ? [1, 16] : [1, 8, 32, 64]).flatMap((clients) =>
      LOADS.map((load): Cell => {
        const measure = async (contender: Contender): Promise<{ figures: Figures }> => ({
          figures: await measureSingles(bench, contender, clients, load),
        })
        const name = `${clients} client${clients === 1 ? '' : 's'}, ${load}`
        return {
          name,
          measure,
          isFor: ({ system }) => load !== 'a worker of another type' || !isFloor(system),
        }
      }),
    )
    const insert: Cell = {
      name: `${formatCount(rows)} rows, one INSERT … SELECT`,
      measure: async (contender) => ({
        figures: await measureBulk(bench, contender, rows, ({ system, target }) =>
          system.enqueue(target, { count: rows }),
        ),
      }),
    }
    const copy: Cell = {
      name: `${formatCount(rows)} rows, one COPY`,
      // A file is read by the server itself, and only tables that clients may write take a COPY.
      isFor: ({ system }) =>
        bench.postgres.dataDir !== undefined && (isFloor(system) || system.name === 'jobtable'),
      measure: async (contender) => {
        const path = await writeRows(bench, rows)
        return {
          figures: await measureBulk(bench, contender, rows, async ({ system, target }) => {
            const text = `copy ${system.table} (type, payload) from '${path}'`
            await withClient(target.url, (client) => client.query(text))
          }),
        }
      },
    }
    return [...singles, insert, copy]
  },
}

function isFloor({ name }: { readonly name: string }): boolean {
  return name === 'floor'
}

async function measureSingles(
  bench: Bench,
  contender: Contender,
  clients: number,
  load: Load,
): Promise<Figures> {
  const { quick } = bench.options
  await using queue = await openQueue(bench, contender, [NOOP, OTHER])
  // More than the worker can do meanwhile.
  const plenty = contender.variant.atMost ?? (quick ? 600_000 : 2_000_000)
  const backlog = load === 'a busy worker' ? plenty : 0
  // Beside the bare table, the machine is as busy as beside ours.
  const busy = isFloor(queue.system) ? jobtable : queue.system
  if (backlog > 0) await busy.enqueue(queue.target, { count: backlog })
  await using runners = await prepareWorker(queue, load, busy)
  const meter = await queue.meter(async () => [])
  if (runners !== undefined) {
    await runners.start().started
    await new Promise((resolve) => setTimeout(resolve, LISTEN_MS))
  }
  const seconds = quick ? 2 : 5
  const rows = await insertSingly(bench, queue, { clients, seconds })
  await meter.stop()
  if (backlog > 0 && (runners?.tally.jobs ?? 0) >= backlog) {
    throw new Error(`the worker was through with ${backlog} jobs too soon`)
  }
  await runners?.stop()
  const rate: Figures = { jobs: rows, seconds, rowsPerSecond: rows / seconds }
  // Of a busy worker's costs the inserts are the smaller part.
  return load === 'a busy worker' ? rate : { ...rate, ...(await meter.costs(rows)) }
}

async function prepareWorker(queue: Queue, load: Load, busy: System): Promise<Runners | undefined> {
  switch (load) {
    case 'no worker':
      return undefined
    case 'a worker of another type':
      return await queue.prepare({ types: [OTHER] })
    case 'a busy worker':
      return await queue.prepare({ system: busy, types: [NOOP] })
  }
}

async function measureBulk(
  bench: Bench,
  contender: Contender,
  rows: number,
  load: (queue: Queue) => Promise<void>,
): Promise<Figures> {
  await using queue = await openQueue(bench, contender, [NOOP])
  const figures = await meterStatement(queue, rows, () => load(queue))
  const { left } = await queue.system.count(queue.target)
  if (left !== rows) throw new Error(`${left} jobs instead of ${rows}`)
  return figures
}

async function writeRows(bench: Bench, rows: number): Promise<string> {
  const path = join(bench.dir, 'rows.tsv')
  await writeFile(path, `${NOOP}\t{"n": 1}\n`.repeat(rows))
  await chmod(path, 0o644)
  return path
}
