import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { KINDS, type Kind, useRoles } from '../../support/roles.ts'
import { setScene } from './scene.ts'

const database = useDatabase()
const roles = useRoles(database)

/** Who a statement is about: the owner, and jobs of its. */
interface Target {
  readonly owner: string
  readonly job: string
  /** With a row in each facet. */
  readonly completed: string
}

const VERBS = ['select', 'insert', 'update', 'delete'] as const
type Statements = Readonly<Record<(typeof VERBS)[number], (target: Target) => string>>

const FACETS = {
  job_progress: ['(job)', (job: string) => `(${job})`, `message = 'x'`],
  job_result: ['(job, value)', (job: string) => `(${job}, '1')`, `value = '1'`],
  job_attempt: [
    '(job, n, finished_at, outcome)',
    (job: string) => `(${job}, 9, now(), 'failed')`,
    `error_name = 'x'`,
  ],
  job_log: [
    '(job, attempt, at, level, message)',
    (job: string) => `(${job}, 1, now(), 'info', 'x')`,
    `message = 'x'`,
  ],
  job_cancel: [
    '(job, requested_at, requested_by)',
    (job: string) => `(${job}, now(), 'x')`,
    `reason = 'x'`,
  ],
} as const

function ofOwner(table: string, columns: string, values: string, change: string): Statements {
  return {
    select: ({ owner }) => `select 1 from ${table} where owner = '${owner}'`,
    insert: ({ owner }) =>
      `insert into ${table} ${columns} values ('${owner}'${values}) returning 1`,
    update: ({ owner }) => `update ${table} set ${change} where owner = '${owner}' returning 1`,
    delete: ({ owner }) => `delete from ${table} where owner = '${owner}' returning 1`,
  }
}

function ofNobody(table: string, insert: string, change: string): Statements {
  return {
    select: () => `select 1 from (select id from ${table}) t`,
    insert: () => `insert into ${table} ${insert} returning 1`,
    update: () => `update ${table} set ${change} returning 1`,
    delete: () => `delete from ${table} returning 1`,
  }
}

const TABLES: Readonly<Record<string, Statements>> = {
  job: {
    ...ofOwner('jobtable.job', '(owner, type)', `, 'work'`, `title = 'x'`),
    delete: ({ job }) => `delete from jobtable.job where id = ${job} returning 1`,
  },
  ...Object.fromEntries(
    Object.entries(FACETS).map(([facet, [columns, values, change]]) => [
      facet,
      {
        select: ({ completed }) => `select 1 from jobtable.${facet} where job = ${completed}`,
        insert: ({ job }) =>
          `insert into jobtable.${facet} ${columns} values ${values(job)} returning 1`,
        update: ({ completed }) =>
          `update jobtable.${facet} set ${change} where job = ${completed} returning 1`,
        delete: ({ completed }) =>
          `delete from jobtable.${facet} where job = ${completed} returning 1`,
      } satisfies Statements,
    ]),
  ),
  "a user's facet": {
    select: ({ job }) => `select 1 from public.notes where job = ${job}`,
    insert: ({ completed }) => `insert into public.notes values (${completed}, 'x') returning 1`,
    update: ({ job }) => `update public.notes set note = 'x' where job = ${job} returning 1`,
    delete: ({ job }) => `delete from public.notes where job = ${job} returning 1`,
  },
  job_event: {
    ...ofOwner(
      'jobtable.job_event',
      '(owner, job, at, actor, type)',
      `, 1, now(), 'x', 'work'`,
      `actor = 'x'`,
    ),
  },
  job_share: ofOwner('jobtable.job_share', '(owner, grantee)', `, 'another'`, `level = 'act'`),
  owner_quota: {
    ...ofOwner('jobtable.owner_quota', '(owner)', '', 'max_unfinished = 9'),
    insert: ({ owner }) => `insert into jobtable.owner_quota values ('${owner} too') returning 1`,
  },
  job_type: {
    ...ofNobody('jobtable.job_type', `(name) values ('other')`, 'priority = 1'),
    delete: () => `delete from jobtable.job_type where name = 'unused' returning 1`,
  },
  worker: ofNobody(
    'jobtable.worker',
    `(host, pid, version, types, capacity, started_at, seen_at)
     values ('x', 1, '1', '{}', 1, now(), now())`,
    `host = 'x'`,
  ),
}

const own = new Map<Kind, Target>()
let others: Target

beforeAll(async () => {
  const scene = await setScene(database(), roles())
  await database().query(
    `revoke insert, update, delete on public.notes from ${roles().groups.submitter}`,
  )
  await database().query(`insert into jobtable.job_type (name) values ('unused')`)
  others = { owner: scene.victim, job: scene.theirs.new, completed: scene.theirs.completed }
  for (const kind of KINDS) own.set(kind, await addOwner(kind))
})

/** A login of one kind that owns a copy of what the victim has. */
async function addOwner(kind: Kind): Promise<Target> {
  const owner = await roles().login(`one_${kind}`, kind)
  const rows = await database().query<{ id: string }>(
    `insert into jobtable.job (type, owner) values ('work', $1), ('work', $1) returning id`,
    [owner],
  )
  const [job = '', completed = ''] = rows.map((row) => row.id)
  for (const [facet, [columns, values]] of Object.entries(FACETS)) {
    await database().query(`insert into jobtable.${facet} ${columns} values ${values(completed)}`)
  }
  await database().query(
    `insert into jobtable.job_event (owner, job, at, actor, type)
     values ($1, $2, now(), 'x', 'work')`,
    [owner, job],
  )
  await database().query(`insert into public.notes values (${job}, 'mine')`)
  await database().query(`insert into jobtable.job_share values ('${owner}', 'a friend')`)
  await database().query(`insert into jobtable.owner_quota values ('${owner}')`)
  return { owner, job, completed }
}

async function works(kind: Kind, statement: string): Promise<boolean> {
  const login = own.get(kind)?.owner ?? ''
  return await roles()
    .as(login, statement)
    .then(
      (rows) => rows.length > 0,
      (error: unknown) => {
        expect(error).toMatchObject({ code: '42501' })
        return false
      },
    )
}

async function cell(kind: Kind, statement: (target: Target) => string): Promise<string> {
  const mine = own.get(kind)
  if (mine === undefined) throw new Error(`no login is ${kind}`)
  const answers = [await works(kind, statement(mine)), await works(kind, statement(others))]
  if (answers[1] === true) return answers[0] === true ? 'all' : 'others'
  return answers[0] === true ? 'own' : '–'
}

test('each role may do with each table what the documentation says', async () => {
  const lines = [`| table | ${KINDS.join(' | ')} |`, `| --- |${' --- |'.repeat(KINDS.length)}`]
  for (const [table, statements] of Object.entries(TABLES)) {
    const cells: string[] = []
    for (const kind of KINDS) {
      const verbs: string[] = []
      for (const verb of VERBS) verbs.push(await cell(kind, statements[verb]))
      cells.push(verbs.join(' / '))
    }
    lines.push(`| ${table.includes(' ') ? table : `\`${table}\``} | ${cells.join(' | ')} |`)
  }
  const guide = fileURLToPath(new URL('../../../docs/owners.md', import.meta.url))
  expect(await readFile(guide, 'utf8')).toContain(lines.join('\n'))
})

test('every public table is in the matrix', async () => {
  const rows = await database().query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'jobtable'::regnamespace and relkind in ('r', 'p')`,
  )
  expect(Object.keys(TABLES)).toEqual(expect.arrayContaining(rows.map((row) => row.name)))
})

test('the report shows what the jobs show', async () => {
  const seen = async (kind: Kind): Promise<string[]> => {
    const rows = await roles().as<{ owner: string }>(
      own.get(kind)?.owner ?? '',
      'select distinct owner from jobtable.job_report',
    )
    return rows.map((row) => row.owner)
  }
  expect(await seen('reader')).toEqual([own.get('reader')?.owner])
  expect(await seen('submitter')).toEqual([own.get('submitter')?.owner])
  for (const kind of ['operator', 'worker', 'admin'] as const) {
    expect(await seen(kind)).toContain(others.owner)
  }
})
