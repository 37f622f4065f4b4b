import type { Executor } from './executor.ts'
import type { Database } from './queries.ts'
import { registerType } from './queries.ts'

/** A type as the database knows it, with what the dispatcher needs of it. */
export interface RegisteredType {
  readonly name: string
  readonly concurrency: number
  /** Its lanes: from this one on … */
  readonly fromLane: number
  /** … to this one, which is not its own. */
  readonly toLane: number
}

/** Lanes of a type: one a priority, as jobtable_internal.lane() numbers them. */
const LANES_OF_A_TYPE = 65_536

/** Makes the executors' types known to the database, in one order everywhere: no deadlocks. */
export async function register(
  database: Database,
  executors: readonly Executor[],
): Promise<RegisteredType[]> {
  const types: RegisteredType[] = []
  for (const executor of executors.toSorted((a, b) => (a.type < b.type ? -1 : 1))) {
    const id = await registerType(database, {
      name: executor.type,
      description: executor.description ?? null,
      priority: executor.priority,
      retention: executor.retention,
      failedRetention: executor.failedRetention,
    })
    types.push({
      name: executor.type,
      concurrency: executor.concurrency,
      fromLane: id * LANES_OF_A_TYPE,
      toLane: (id + 1) * LANES_OF_A_TYPE,
    })
  }
  return types
}
