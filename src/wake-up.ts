import type { Id } from './database.ts'

/** On which clients and workers tell that jobs are ready. */
export const READY = 'jobtable_ready'

/** What a notification holds at most, in bytes, less a caller's name. */
const MAX_TYPES_LENGTH = 7_900

/** What a worker tells there that has more than it can take. */
export function callTo(types: readonly number[], caller: Id): string {
  const listed = types.join(',')
  return `${listed.length > MAX_TYPES_LENGTH ? '' : listed} by ${caller}`
}

/** Whether what was told there, the ids of types or nothing for all types, wakes a worker of some. */
export function isCalled(told: string, worker: Id, types: readonly number[]): boolean {
  const [listed = '', caller] = told.split(' by ')
  if (caller === worker) return false
  return listed === '' || listed.split(',').some((type) => types.includes(Number(type)))
}
