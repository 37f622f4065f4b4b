import { expect, test } from 'vitest'
import { defineSqlExecutor } from '../../src/sql-executor.ts'
import { useDatabase } from '../support/database.ts'
import { insertJob } from '../support/job.ts'
import { allFinished, cleanUpAfterEach, startWorker } from '../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

/** Runs a job of one statement, and returns its result or error. */
async function run(statement: string): Promise<unknown> {
  await startWorker(database(), { executors: [defineSqlExecutor({ type: 'sql', statement })] })
  const id = await insertJob(database(), 'sql', { payload: { n: 3 } })
  await allFinished(database())
  const [row] = await database().query<{ told: unknown }>(
    `select coalesce(r.value, to_jsonb(a.error_message)) as told
    from jobtable.job j
    left join jobtable.job_result r on r.job = j.id
    left join jobtable.job_attempt a on a.job = j.id
    where j.id = $1`,
    [id],
  )
  return row?.told
}

test.each([
  ['the payload as jsonb', `select ($1->>'n')::int as n`, { n: 3 }],
  [
    'the types that are declared',
    'select pg_typeof($1)::text as one, pg_typeof($2)::text as two',
    { one: 'jsonb', two: 'bigint' },
  ],
  ['the id alone', 'select $2 > 0 as positive', { positive: true }],
  ['neither', 'select 1 as one', { one: 1 }],
])('a statement has %s', async (_what, statement, result) => {
  expect(await run(statement)).toEqual(result)
})

test('CALL takes them, and a statement that cannot', async () => {
  await database().query(
    `create procedure keep(a jsonb, b bigint) language sql as 'create table kept as select a, b'`,
  )
  await database().query('create materialized view seen as select 1 as one')
  await run('call keep($1, $2)')
  expect(await database().query('select a from kept')).toEqual([{ a: { n: 3 } }])
  await run('refresh materialized view seen')
})
