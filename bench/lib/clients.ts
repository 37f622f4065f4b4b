import { availableParallelism } from 'node:os'
import type { Bench } from './bench.ts'
import { type ClientPlan, findPgbench, runPgbench } from './pgbench.ts'
import type { Queue } from './queue.ts'
import { Senders } from './senders.ts'

/**
 * Clients that insert one small job after the other, each in its own transaction: by pgbench, which needs
 * little of the machine, or where that is missing by processes of ours. Answers how many jobs.
 */
export async function insertSingly(bench: Bench, queue: Queue, plan: ClientPlan): Promise<number> {
  const { insertSql } = queue.system
  const program = findPgbench()
  if (program !== undefined && insertSql !== undefined) {
    return await runPgbench(program, bench.dir, queue.target.url, insertSql, plan)
  }
  const processes = Math.min(plan.clients, availableParallelism())
  await using senders = await Senders.prepare(queue, processes, plan.clients)
  return plan.perSecond === undefined
    ? await senders.flood(plan.seconds)
    : (await senders.poisson({ ...plan, perSecond: plan.perSecond, isMeasured: true })).jobs
}
