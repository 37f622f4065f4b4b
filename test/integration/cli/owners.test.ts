import { beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../../../src/cli/doctor/finding.ts'
import { runCli } from '../../support/cli.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { isolate, useRoles } from '../../support/roles.ts'

const database = useDatabase()
const roles = useRoles(database)
let anna = ''

beforeAll(async () => {
  anna = await roles().login('anna', 'submitter')
})

async function findings(): Promise<Pick<Finding, 'verdict' | 'fact'>[]> {
  const { stdout } = await runCli(['doctor', '--json'], { env: { DATABASE_URL: database().url } })
  return (JSON.parse(stdout) as Finding[])
    .filter(({ check }) => check === 'owners')
    .map(({ verdict, fact }) => ({ verdict, fact }))
}

async function faults(): Promise<string[]> {
  return (await findings()).filter(({ verdict }) => verdict === 'fault').map(({ fact }) => fact)
}

test('a submitter has all commands for jobs, for its own', async () => {
  await addTypes(database(), 'work')
  const other = await insertJob(database(), 'work', { owner: 'other' })
  const run = async (...args: string[]): Promise<{ code: number | null; stdout: string }> =>
    await runCli(args, { env: { DATABASE_URL: roles().url(anna) } })
  const { stdout } = await run('submit', 'work')
  const id = stdout.trim()
  expect((await run('list', '--json')).stdout).toContain(`"id":"${id}"`)
  expect((await run('list', '--json')).stdout).not.toContain(`"id":"${other}"`)
  for (const command of ['show', 'logs', 'cancel']) {
    const codes = [(await run(command, id)).code, (await run(command, other)).code]
    expect({ command, codes }).toEqual({ command, codes: [0, 5] })
  }
})

test.each(['operator', 'admin'] as const)(
  'an %s has status and all checks of doctor, and sees there what the owner of the tables sees',
  async (kind) => {
    const login = await roles().login(`one_${kind}`, kind)
    const run = async (command: string, url: string): Promise<unknown> => {
      const { code, stdout, stderr } = await runCli([command, '--json'], {
        env: { DATABASE_URL: url },
      })
      if (command === 'status') return { code, stdout, stderr }
      // The queries of others' sessions are for roles with pg_read_all_stats.
      const found = (JSON.parse(stdout) as Finding[]).filter(({ check }) => check !== 'snapshot')
      return { code, found, stderr }
    }
    for (const command of ['status', 'doctor']) {
      expect(await run(command, roles().url(login))).toEqual(await run(command, database().url))
    }
  },
)

test('a submitter is told that it lacks a right to status, and which checks of doctor it cannot make', async () => {
  const env = { DATABASE_URL: roles().url(anna) }
  const status = await runCli(['status'], { env })
  expect(status).toMatchObject({ code: 5, stdout: '' })
  expect(status.stderr).toContain(
    `hint: The role "${anna}" lacks a right: docs/owners.md tells which role may do what.`,
  )
  const doctor = await runCli(['doctor', '--json'], { env })
  const denied = (JSON.parse(doctor.stdout) as Finding[]).filter(({ fact }) =>
    fact.includes('cannot be checked: permission denied for'),
  )
  expect(doctor).toMatchObject({ code: 0, stderr: '' })
  expect(denied.map(({ check, verdict }) => `${check}: ${verdict}`)).toEqual([
    'schema: warning',
    'live_worker: warning',
    'held_jobs: warning',
    'owners: warning',
  ])
})

const OWNER = {
  verdict: 'warning',
  fact: expect.stringMatching(/^jobtable_test\w* owns the tables and can log in/) as string,
}

test('doctor is content with owners that are kept apart by their logins', async () => {
  expect(await findings()).toEqual([
    { verdict: 'ok', fact: 'owners are kept apart, by source role, for 1 login' },
    OWNER,
  ])
})

test('doctor counts neither the tables’ owner nor who may only grant as a client', async () => {
  const keeper = await roles().login('keeper')
  const { submitter } = roles().groups
  const [row] = await database().query<{ owner: string; options: string }>(
    `select current_user as owner, case when current_setting('server_version_num')::int < 160000
      then null else 'admin true, inherit false, set false' end as options`,
  )
  await roles().admin(`grant ${submitter} to ${row?.owner} with admin option`)
  if (row?.options) await roles().admin(`grant ${submitter} to ${keeper} with ${row.options}`)
  expect(await findings()).toEqual([
    { verdict: 'ok', fact: 'owners are kept apart, by source role, for 1 login' },
    OWNER,
  ])
  await roles().admin(`revoke ${submitter} from ${row?.owner}`)
})

test('doctor warns of an owner that clients can set', async () => {
  await database().query(`select jobtable.set_owner_source('any')`)
  expect(await findings()).toContainEqual({
    verdict: 'warning',
    fact: expect.stringContaining(`which ${anna} can set to anybody`) as string,
  })
  await database().query(`select jobtable.set_owner_source('role')`)
})

test('doctor finds a function for the owner that a client may not call, or that is gone', async () => {
  const mayNotCall = `${anna} may not call app."Tenant"(), which tells the owner`
  await database().query('create schema app')
  await database().query(`create function app."Tenant"() returns text language sql return 'dora'`)
  await database().query(`select jobtable.set_owner_source('function', 'app."Tenant"()')`)
  const ask = 'select jobtable.current_owner() as owner'
  expect(await faults()).toEqual([mayNotCall])
  expect((await refusal(roles().as(anna, ask))).code).toBe('42501')
  await database().query('grant usage on schema app to public')
  expect(await faults()).toEqual([])
  expect(await roles().as(anna, ask)).toEqual([{ owner: 'dora' }])
  await database().query('revoke execute on function app."Tenant"() from public')
  expect(await faults()).toEqual([mayNotCall])
  await database().query('drop schema app cascade')
  const isGone = [
    'there is no function app."Tenant"() to tell the owner: INSERTs that name none fail',
  ]
  expect(await faults()).toEqual(isGone)
  await database().query('select jobtable.disable_isolation()')
  expect(await faults()).toEqual(isGone)
  await isolate(database(), roles().groups)
})

test('doctor finds policies that are missing, and facets that are open', async () => {
  await database().query('drop policy owners_view_their_jobs on jobtable.job')
  await database().query('alter table jobtable.job_log disable row level security')
  await database().query('create table open (job bigint primary key)')
  await database().query(
    'alter table open add foreign key (job) references jobtable.job on delete cascade',
  )
  await database().query(`grant select on open to ${roles().groups.reader}`)
  expect((await findings()).filter(({ verdict }) => verdict === 'fault')).toEqual([
    {
      verdict: 'fault',
      fact: 'the policy owners_view_their_jobs on jobtable.job is missing',
    },
    { verdict: 'fault', fact: 'the row-level security of jobtable.job_log is missing' },
    { verdict: 'fault', fact: 'clients see the rows of all owners in facet open' },
  ])
  await isolate(database(), roles().groups)
  expect((await findings()).filter(({ verdict }) => verdict === 'fault')).toEqual([])
})

describe('doctor finds a client whom no policy binds', () => {
  const unbound = (): unknown => expect.stringContaining(`no policy binds the client ${anna}`)

  test('since it can SET ROLE to one with BYPASSRLS', async () => {
    const reporter = await roles().login('reporter')
    await roles().admin(`alter role ${reporter} bypassrls`)
    await roles().admin(`grant ${reporter} to ${anna}`)
    expect(await faults()).toContainEqual(unbound())
    await roles().admin(`revoke ${reporter} from ${anna}`)
  })

  test.each(['noinherit', 'inherit'])('since it has the role of the owner, %s', async (inherit) => {
    const [row] = await database().query<{ owner: string }>('select current_user as owner')
    await roles().admin(`alter role ${anna} ${inherit}`)
    await roles().admin(`grant ${row?.owner} to ${anna}`)
    expect(await faults()).toContainEqual(unbound())
    await roles().admin(`revoke ${row?.owner} from ${anna}`)
  })
})

test('doctor says that owners are not kept apart', async () => {
  await database().query('select jobtable.disable_isolation()')
  expect(await findings()).toEqual([
    { verdict: 'ok', fact: 'owners are not kept apart, and have not been told to be' },
  ])
})
