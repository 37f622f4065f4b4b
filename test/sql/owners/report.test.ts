import { beforeAll, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { KINDS, useRoles } from '../../support/roles.ts'

const database = useDatabase()
const roles = useRoles(database)

beforeAll(async () => {
  await addTypes(database(), 'reported')
  await insertJob(database(), 'reported')
})

test.each(KINDS)('a %s reads the report of a type, of what it may see', async (kind) => {
  const login = await roles().login(`reporting_${kind}`, kind)
  const [row] = await roles().as<{ query: string }>(
    login,
    `select jobtable_internal.report_query('reported', '{jobtable.job_attempt}') as query`,
  )
  const isOwners = kind === 'reader' || kind === 'submitter'
  expect(await roles().as(login, String(row?.query))).toHaveLength(isOwners ? 0 : 1)
  const unknown = roles().as(login, `select jobtable_internal.report_query('reproted', null)`)
  expect(await refusal(unknown)).toMatchObject({
    code: 'JT001',
    hint: expect.stringContaining('Did you mean "reported"?'),
  })
})

test('an admin makes one as a view in a schema of its own', async () => {
  const login = await roles().login('reporting_to_all', 'admin')
  await roles().admin(`create schema own_reports authorization ${login}`)
  const view = await roles().as(
    login,
    `select jobtable.create_report('reported', 'own_reports')::text as name`,
  )
  expect(view).toEqual([{ name: 'own_reports.report_reported' }])
})

test('a view granted to submitters shows each its own jobs, also after the next upgrade, but for one in schema jobtable', async () => {
  const { submitter } = roles().groups
  const login = await roles().login('reporting_of_its_own', 'submitter')
  const own = await insertJob(database(), 'reported', { owner: login })
  await database().query('create schema reports')
  for (const schema of ['reports', 'jobtable']) {
    await database().query(`select jobtable.create_report('reported', '${schema}')`)
    await database().query(`grant select on ${schema}.report_reported to ${submitter}`)
  }
  await database().query(`grant usage on schema reports to ${submitter}`)
  await database().query('select jobtable_internal.apply_isolation(again => false)')
  const seen = (schema: string): Promise<unknown> =>
    roles().as(login, `select id from ${schema}.report_reported`)
  expect(await seen('reports')).toEqual([{ id: own }])
  expect(await refusal(seen('jobtable'))).toMatchObject({ code: '42501' })
})
