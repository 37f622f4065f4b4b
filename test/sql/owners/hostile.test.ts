import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TEST_APPLICATION, useDatabase } from '../../support/database.ts'
import { isolate, useRoles } from '../../support/roles.ts'
import { type Attempt, type Scene, SECRET } from './attempt.ts'
import { attemptsOf } from './attempts.ts'
import { mutationsOf, type Probe, probesOf } from './probes.ts'
import { setScene } from './scene.ts'

const database = useDatabase()
const roles = useRoles(database)

let scene: Scene
let attempts: readonly Attempt[]
let probes: readonly Probe[]
let hostile: pg.Client
let notices: string[] = []

beforeAll(async () => {
  scene = await setScene(database(), roles())
  attempts = attemptsOf(scene)
  probes = await probesOf(database(), roles().groups.submitter)
  await database().query('analyze')
  hostile = new pg.Client({
    connectionString: roles().url(scene.mallory),
    application_name: TEST_APPLICATION,
    statement_timeout: 10_000,
  })
  hostile.on('notice', (notice) => notices.push(notice.message ?? ''))
  await hostile.connect()
  await hostile.query(
    `create function mine.nothing() returns trigger language plpgsql as 'begin return null; end'`,
  )
})
afterAll(async () => await hostile.end())

interface Outcome {
  readonly code: string | undefined
  /** All that was told, for a look at what it gives away. */
  readonly said: string
  readonly rows: number
  /** Message, detail and hint of an error. */
  readonly told?: readonly (string | undefined)[]
}

/** One attempt, undone afterwards. */
async function run(statements: readonly string[]): Promise<Outcome> {
  notices = []
  await hostile.query('begin')
  try {
    const loot: pg.QueryResultRow[][] = []
    for (const statement of statements) loot.push((await hostile.query(statement)).rows)
    const said = JSON.stringify([loot, notices])
    return { code: undefined, said, rows: loot.at(-1)?.length ?? 0 }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    const { code, message, detail, hint, where } = error
    const told = [message, detail, hint]
    return { code, told, said: JSON.stringify([told, where, notices]), rows: 0 }
  } finally {
    await hostile.query('rollback')
    await hostile.query('discard all')
  }
}

async function succeeds(attempt: Attempt): Promise<boolean> {
  const { rows, said } = await run(attempt.statements)
  return rows > 0 || said.includes(SECRET)
}

async function isOpen(probe: Probe): Promise<boolean> {
  const { code, said } = await run([probe.statement])
  return code !== '42501' || !said.includes(probe.refusal)
}

/** Keeps owners apart anew, and gives back what users are told to grant on their facets. */
async function restore(sharing: boolean): Promise<void> {
  const { groups } = roles()
  await isolate(database(), groups, sharing)
  await database().query(`grant insert, update, delete on public.notes to ${groups.submitter}`)
}

/** All that is the victim's. */
async function estate(): Promise<unknown> {
  return await database().query(
    `select j.*, p.*, r.*, n.* from jobtable.job j
     left join jobtable.job_progress p on p.job = j.id
     left join jobtable.job_result r on r.job = j.id
     left join public.notes n on n.job = j.id
     where j.owner = any ($1) order by j.id`,
    [[scene.victim, scene.vera]],
  )
}

describe('a hostile owner with the rights of a submitter', () => {
  test.each([false, true])(
    'succeeds with none of its attempts, and nothing leaks; sharing: %s',
    async (sharing) => {
      await restore(sharing)
      const before = await estate()
      expect(attempts.length).toBeGreaterThanOrEqual(100)
      const faults: string[] = []
      for (const attempt of attempts) {
        const { code, rows, said } = await run(attempt.statements)
        // Refused, not misspelt: by a right, by a rule, or by a value that is none.
        const refused = /^(42501|JT\d{3}|22P02|22012|42602|428C9)$/.test(code ?? '42501')
        if (rows > 0 || said.includes(SECRET) || !refused) {
          faults.push(`${attempt.name}: ${code} ${said}`)
        }
      }
      expect(faults).toEqual([])
      expect(await estate()).toEqual(before)
    },
  )

  test('has no right that is not meant for it', async () => {
    const open: string[] = []
    for (const probe of probes) if (await isOpen(probe)) open.push(probe.right)
    expect(open).toEqual([])
  })

  test('is told the same of a job of others as of none', async () => {
    const { theirs } = scene
    for (const call of [
      (id: string) => `select jobtable.cancel(${id})`,
      (id: string) => `select jobtable.resubmit(${id})`,
      (id: string) => `select jobtable.update_facet('public.notes', ${id}, '{"note": "x"}')`,
      (id: string) => `update jobtable.job set title = 'x' where id = ${id}`,
      (id: string) => `insert into public.notes values (${id}, 'x')`,
    ]) {
      const missing = await run([call('4242')])
      const others = await run([call(theirs.new)])
      expect(others.told).toEqual(missing.told?.map((text) => text?.replace('4242', theirs.new)))
    }
  })

  test('gets nothing that is shared with a role by a token with the name of the share', async () => {
    await restore(true)
    await database().query(`select jobtable.set_owner_source('jwt')`)
    await database().query(
      `insert into jobtable.job_share values ('${scene.victim}', 'role:analysts', 'act')`,
    )
    const asToken = async (sub: string, statement: string): Promise<Outcome> =>
      await run([`set local request.jwt.claims = '{"sub": "${sub}"}'`, statement])
    const attempted = [
      `select * from jobtable.job where owner = '${scene.victim}'`,
      `select * from jobtable.job_event where owner = '${scene.victim}'`,
      `update jobtable.job set title = 'x' where id = ${scene.theirs.new} returning id`,
      `select * from jobtable.job_share`,
    ]
    for (const statement of attempted) {
      expect(await asToken('role:analysts', statement)).toMatchObject({ code: undefined, rows: 0 })
      expect((await asToken('a friend', statement)).rows).toBeGreaterThan(0)
    }
    await database().query(`delete from jobtable.job_share where grantee = 'role:analysts'`)
    await restore(true)
  })

  test('neither waits for a key of others, nor learns that it is held', async () => {
    const other = new pg.Client({
      connectionString: roles().url(scene.victim),
      application_name: TEST_APPLICATION,
    })
    await other.connect()
    await other.query(`begin; insert into jobtable.job (type, key) values ('work', 'open')`)
    const outcome = await run([
      `set local lock_timeout = '1s'`,
      `insert into jobtable.job (type, key) values ('work', 'held2'), ('work', 'open') returning id`,
    ])
    await other.query('rollback')
    await other.end()
    expect(outcome).toMatchObject({ code: undefined, rows: 2 })
  })

  test('cannot write what the queue writes, though the guard were passed or the right given', async () => {
    const forge = (lease: string): Promise<Outcome> =>
      run([
        `set local jobtable.writer = 'queue'`,
        `update jobtable.job set lease = ${lease} where id = ${scene.own.started} returning id`,
      ])
    await database().query('drop policy clients_are_not_the_queue on jobtable.job')
    expect((await forge('1')).code).toBe('42501')
    await database().query(`grant update (lease) on jobtable.job to ${roles().groups.submitter}`)
    expect((await forge('1')).rows).toBe(1)
    await restore(true)
    await database().query(`grant update (lease) on jobtable.job to ${roles().groups.submitter}`)
    expect((await forge('1')).code).toBe('42501')
    await restore(true)
  })
})

describe('each rule is needed', () => {
  test.each([false, true])(
    'without any one policy or switch an attempt succeeds; sharing: %s',
    async (sharing) => {
      await restore(sharing)
      const mutations = await mutationsOf(database(), roles().groups.submitter)
      expect(mutations.length).toBeGreaterThan(30)
      const needless: string[] = []
      for (const { rule, without } of mutations) {
        await database().query(without)
        if (!(await anySucceeds())) needless.push(rule)
        await restore(sharing)
      }
      expect(needless).toEqual([])
    },
    300_000,
  )

  test('with any one right more a probe finds it open', async () => {
    expect(probes.length).toBeGreaterThan(100)
    const missed: string[] = []
    for (const probe of probes) {
      await database().query(probe.grant)
      if (!(await isOpen(probe))) missed.push(probe.right)
      await database().query(
        probe.grant.replace(/^grant/, 'revoke').replace(/ to (\S+)$/, ' from $1'),
      )
    }
    expect(missed).toEqual([])
    expect(await probesOf(database(), roles().groups.submitter)).toEqual(probes)
  }, 300_000)
})

async function anySucceeds(): Promise<boolean> {
  for (const attempt of attempts) if (await succeeds(attempt)) return true
  return false
}
