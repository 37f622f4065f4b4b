import type { Settings } from '../systems/system.ts'
import { type Batch, typesOf } from './batch.ts'
import type { Bench } from './bench.ts'
import type { Contender } from './contender.ts'
import type { Figures } from './figures.ts'
import type { Body } from './messages.ts'
import { openQueue, type Queue, type WorkPlan } from './queue.ts'

/** Jobs that wait, and how they are worked off. */
export interface Drain {
  readonly batch: Batch
  readonly processes?: number
  readonly body?: Body
  readonly settings?: Settings
  /** The clock stops after so many. Default: all. */
  readonly measured?: number
  /** Enqueued first and not worked off while the clock runs. */
  readonly beside?: Batch
  /** What is done to the queue before it is filled, and makes its worker another. */
  readonly arrange?: (queue: Queue) => Promise<Partial<WorkPlan>>
  /** What goes on meanwhile, begun before the clock. */
  readonly meanwhile?: (queue: Queue) => Promise<Meanwhile>
}

/** Something that goes on during a run. */
export interface Meanwhile extends AsyncDisposable {
  /** What it has to report, when the clock has stopped. */
  figures(seconds: number): Figures
}

/**
 * Enqueues jobs, then measures how fast they are worked off: from the order to start, to processes that
 * have loaded their code, until the database has the last completion.
 */
export async function measureDrain(
  bench: Bench,
  contender: Contender,
  { batch, measured = batch.count, beside, arrange, meanwhile, ...plan }: Drain,
): Promise<Figures & { readonly seconds: number }> {
  await using queue = await openQueue(bench, contender, typesOf(batch))
  const arranged = await arrange?.(queue)
  if (beside !== undefined) await queue.system.enqueue(queue.target, beside)
  await queue.system.enqueue(queue.target, batch)
  await queue.settle()

  await using runners = await queue.prepare({ jobs: measured, ...plan, ...arranged })
  const meter = await queue.meter(() => runners.usage())
  await using other = await meanwhile?.(queue)
  const { atUs } = runners.start()
  const tally = await runners.completed(measured)
  await meter.stop()
  const seconds = (tally.atUs - atUs) / 1e6
  const others = other?.figures(seconds)

  await other?.[Symbol.asyncDispose]()
  await runners.stop()
  const costs = await meter.costs(tally.jobs)
  if (measured === batch.count) await verify(queue, batch.count, beside?.count ?? 0)
  return { ...costs, ...others, jobs: tally.jobs, seconds, jobsPerSecond: tally.jobs / seconds }
}

/**
 * Throws unless the system itself says that exactly these jobs are completed, and these are left.
 *
 * @param completed undefined where some have been removed
 */
export async function verify(
  queue: Queue,
  completed: number | undefined,
  left: number,
): Promise<void> {
  const counts = await queue.system.count(queue.target)
  const isTold = completed !== undefined && counts.completed !== undefined
  const areDone = !isTold || counts.completed === completed
  if (areDone && counts.left === left) return
  throw new Error(
    `${queue.system.name} has ${counts.completed ?? '?'} jobs completed and ${counts.left} left, ` +
      `instead of ${completed ?? '?'} and ${left}`,
  )
}
