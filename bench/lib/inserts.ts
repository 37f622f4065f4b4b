import type { Bench } from './bench.ts'
import { insertSingly } from './clients.ts'
import { nowUs } from './clock.ts'
import type { Figures } from './figures.ts'
import type { ClientPlan } from './pgbench.ts'
import type { Queue } from './queue.ts'

/** Rows a second of clients that insert one after the other, and what a row costs. */
export async function meterSingles(bench: Bench, queue: Queue, plan: ClientPlan): Promise<Figures> {
  const meter = await queue.meter(async () => [])
  const rows = await insertSingly(bench, queue, plan)
  await meter.stop()
  const { seconds } = plan
  return { jobs: rows, seconds, rowsPerSecond: rows / seconds, ...(await meter.costs(rows)) }
}

/** Rows a second of one statement, and what a row costs. */
export async function meterStatement(
  queue: Queue,
  rows: number,
  run: () => Promise<unknown>,
): Promise<Figures> {
  const meter = await queue.meter(async () => [])
  const beginUs = nowUs()
  await run()
  const seconds = (nowUs() - beginUs) / 1e6
  await meter.stop()
  return { jobs: rows, seconds, rowsPerSecond: rows / seconds, ...(await meter.costs(rows)) }
}
