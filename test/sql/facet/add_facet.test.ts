import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()

beforeAll(async () => {
  await addTypes(database(), 'extended')
})

async function constraints(table: string): Promise<string[]> {
  const rows = await database().query<{ definition: string }>(
    `select pg_get_constraintdef(oid) as definition from pg_constraint
     where conrelid = $1::regclass and contype in ('p', 'f') order by contype desc`,
    [table],
  )
  return rows.map((row) => row.definition)
}

const reference = (column: string): string =>
  `FOREIGN KEY (${column}) REFERENCES jobtable.job(id) ON DELETE CASCADE`

describe('add_facet()', () => {
  test('makes a table a facet: written by update_facet(), removed with its job', async () => {
    await database().query('create table plain (job bigint, n integer)')
    await database().query(`select jobtable.add_facet('plain')`)
    expect(await constraints('plain')).toEqual(['PRIMARY KEY (job)', reference('job')])
    const id = await insertJob(database(), 'extended')
    await database().query(`select jobtable.update_facet('plain', $1, '{"n": 1}')`, [id])
    await database().query('delete from jobtable.job where id = $1', [id])
    expect(await database().query('select from plain')).toEqual([])
  })

  test('keeps a primary key that begins with the job', async () => {
    await database().query('create table keyed (job bigint, n integer, primary key (job, n))')
    await database().query(`select jobtable.add_facet('keyed')`)
    expect(await constraints('keyed')).toEqual(['PRIMARY KEY (job, n)', reference('job')])
  })

  test('takes a column of another name, however it is written', async () => {
    await database().query('create table "Odd Name" ("The Job" bigint, n integer)')
    await database().query(`select jobtable.add_facet('"Odd Name"', 'The Job')`)
    expect(await constraints('"Odd Name"')).toEqual([
      'PRIMARY KEY ("The Job")',
      reference('"The Job"'),
    ])
  })

  test('leaves a table that is a facet already as it is', async () => {
    await database().query('create table twice (job bigint, n integer)')
    await database().query(`select jobtable.add_facet('twice')`)
    await database().query(`select jobtable.add_facet('twice')`)
    expect(await constraints('twice')).toEqual(['PRIMARY KEY (job)', reference('job')])
  })
})

describe('add_facet() changes nothing and is refused', () => {
  test('by JT012 where the primary key begins with another column', async () => {
    await database().query('create table wrong (n integer primary key, job bigint)')
    expect(await refusal(database().query(`select jobtable.add_facet('wrong')`))).toMatchObject({
      code: 'JT012',
      hint: 'Make the column of that foreign key the first of its primary key.',
    })
    expect(await constraints('wrong')).toEqual(['PRIMARY KEY (n)'])
  })

  test('where the column does not exist', async () => {
    await database().query('create table columnless (n integer)')
    const { code } = await refusal(database().query(`select jobtable.add_facet('columnless')`))
    expect(code).toBe('42703')
  })

  test('where rows name jobs that are not there', async () => {
    await database().query('create table orphaned (job bigint); insert into orphaned values (0)')
    const { code } = await refusal(database().query(`select jobtable.add_facet('orphaned')`))
    expect(code).toBe('23503')
    expect(await constraints('orphaned')).toEqual([])
  })

  test('by 55P03 while a client writes jobs, so that nobody queues behind it', async () => {
    await database().query('create table waiting (job bigint)')
    await using client = await openSession(database())
    await client.query('begin')
    await insertJob(client, 'extended')
    const { code } = await refusal(database().query(`select jobtable.add_facet('waiting')`))
    expect(code).toBe('55P03')
    expect(await constraints('waiting')).toEqual([])
  })
})
