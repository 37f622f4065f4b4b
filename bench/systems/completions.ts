import pg from 'pg'
import type { Work } from './system.ts'

/** Answers the ids that a statement completes; undefined for any other statement. */
export type CompletedIds = (
  text: string,
  values: readonly unknown[],
) => readonly string[] | undefined

/**
 * Tells of completions when the database has answered to them, for a system that tells of them before.
 * It looks at each statement that this process sends by node-postgres, and changes none.
 */
export function watchCompletions(completedIds: CompletedIds, completed: Work['completed']): void {
  const query: unknown = Reflect.get(pg.Client.prototype, 'query')
  if (typeof query !== 'function') throw new Error('node-postgres has no Client.query')
  const watched = function (this: pg.Client, ...args: unknown[]): unknown {
    const ids = idsOf(args, completedIds)
    if (ids === undefined) return Reflect.apply(query, this, args)
    const tell = (): void => completed(ids.length, () => ids)
    const callback = args.at(-1)
    if (typeof callback === 'function') {
      // A pool's own query is of this kind.
      const told = (error: unknown, ...rest: unknown[]): void => {
        if (!error) tell()
        Reflect.apply(callback, undefined, [error, ...rest])
      }
      return Reflect.apply(query, this, [...args.slice(0, -1), told])
    }
    const answer: unknown = Reflect.apply(query, this, args)
    // The system itself deals with a failure; what is not completed is missing at the end.
    if (answer instanceof Promise) void answer.then(tell, () => undefined)
    return answer
  }
  Object.defineProperty(pg.Client.prototype, 'query', { value: watched })
}

function idsOf(
  args: readonly unknown[],
  completedIds: CompletedIds,
): readonly string[] | undefined {
  const [first, second] = args
  if (typeof first === 'string') return completedIds(first, Array.isArray(second) ? second : [])
  if (typeof first !== 'object' || first === null || !('text' in first)) return undefined
  const values: unknown = 'values' in first ? first.values : undefined
  return typeof first.text === 'string'
    ? completedIds(first.text, Array.isArray(values) ? values : [])
    : undefined
}
