import type { Session } from './session.ts'

interface Plan {
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
}

/** Runs a statement and answers how many buffers it touched: what it cost, whatever the machine. */
export async function buffersOf(
  session: Session,
  statement: string,
  values: readonly unknown[] = [],
): Promise<number> {
  const [row] = await session.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (analyze, buffers, format json) ${statement}`,
    values,
  )
  if (row === undefined) throw new Error('EXPLAIN answered nothing')
  const plan = row['QUERY PLAN'][0].Plan
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
}
