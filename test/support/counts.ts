import type { Queryable } from './job.ts'

/** Rows of "type status count", in order. */
type Counts = readonly string[]

const COUNTS = `select format('%s %s %s', type, status, count) as line`

/** What jobtable.job_counts says. */
export async function countsOf(database: Queryable): Promise<Counts> {
  return await lines(database, `${COUNTS} from jobtable.job_counts`)
}

/** What a count of the jobs themselves says. */
export async function countedJobs(database: Queryable): Promise<Counts> {
  return await lines(
    database,
    `${COUNTS} from (select type, status, count(*) from jobtable.job group by type, status) c`,
  )
}

async function lines(database: Queryable, query: string): Promise<Counts> {
  const rows = await database.query<{ line: string }>(`${query} order by type, status`)
  return rows.map(({ line }) => line)
}
