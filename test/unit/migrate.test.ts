import { expect, test } from 'vitest'
import { compareVersions } from '../../src/migrate/compare.ts'
import { planFor, renderSql } from '../../src/migrate/plan.ts'
import { loadSource } from '../../src/migrate/source.ts'
import type { State } from '../../src/migrate/state.ts'
import { refused } from '../integration/migrate/refused.ts'
import { type Files, small, sqlFolder } from '../integration/migrate/sql-folder.ts'

const emptyDatabase: State = {
  serverVersionNumber: 150_018,
  serverVersion: '15.18',
  database: 'app',
  role: 'app',
  isStandby: false,
  mayCreateSchemas: true,
  schemas: [],
  schemasOfOthers: [],
  hasBooks: false,
  migrations: [],
  installed: null,
}

const paths = (files: readonly { readonly path: string }[]): string[] =>
  files.map(({ path }) => path)

test('versions are ordered as semantic versioning orders them', () => {
  const ascending = [
    '0.9.0',
    '0.10.0-alpha',
    '0.10.0-rc.2',
    '0.10.0-rc.10',
    '0.10.0',
    '1.0.0',
    '10.0.0',
  ]
  expect(ascending.toReversed().toSorted(compareVersions)).toStrictEqual(ascending)
  expect(compareVersions('1.0.0+build', '1.0.0')).toBe(0)
})

test('files are applied alphabetically, but after those that they require', async () => {
  const source = await loadSource(await sqlFolder())
  expect(paths(source.early)).toStrictEqual(['functions/default_name.sql'])
  expect(paths(source.migrations)).toStrictEqual(['migrations/0001_thing.sql'])
  expect(paths(source.routines)).toStrictEqual([
    'functions/label.sql',
    'functions/guard.sql',
    'views/b_detail.sql',
    'views/a_summary.sql',
  ])
  expect(paths(source.finish)).toStrictEqual(['comments/thing.sql', 'grants.sql'])
})

test('the hash covers everything but the migrations', async () => {
  const hashOf = async (files: Files): Promise<string> =>
    (await loadSource(await sqlFolder(files))).routinesHash
  const hash = await hashOf(small)
  expect(await hashOf({ ...small, 'migrations/0002_more.sql': 'select 1;' })).toBe(hash)
  for (const path of ['functions/label.sql', 'views/b_detail.sql', 'grants.sql'] as const) {
    expect(await hashOf({ ...small, [path]: `${small[path]}\n-- more` })).not.toBe(hash)
  }
})

test.each([
  ['a number left out', { 'migrations/0003_more.sql': '' }, 'stands where 0002_<name>.sql is due'],
  [
    'a number taken twice',
    { 'migrations/0001_other.sql': '' },
    'stands where 0002_<name>.sql is due',
  ],
  ['a circle', { 'functions/label.sql': '--! requires: guard\n' }, 'guard → label → guard'],
  ['a file that is not there', { 'functions/label.sql': '--! requires: no\n' }, 'requires "no"'],
  [
    'a directive that is misspelt',
    { 'functions/label.sql': '--! require: guard\n' },
    '"--! require: guard"',
  ],
])('a folder with %s is refused', async (_fault, files, fact) => {
  const error = await refused(loadSource(await sqlFolder({ ...small, ...files })))
  expect(error.code).toBe('bad_source')
  expect(error.message).toContain(fact)
})

test('a server that is too old is refused, one that is too new is mentioned', async () => {
  const source = await loadSource(await sqlFolder())
  const on = (serverVersionNumber: number, serverVersion: string): State => ({
    ...emptyDatabase,
    serverVersionNumber,
    serverVersion,
  })
  expect(() => planFor(source, on(140_023, '14.23'))).toThrow(
    'database "app" runs on PostgreSQL 14.23; jobtable needs PostgreSQL 15 to 18',
  )
  expect(planFor(source, on(180_004, '18.4')).notices).toStrictEqual([])
  expect(planFor(source, on(190_000, '19beta1')).notices).toStrictEqual([
    expect.stringContaining('PostgreSQL 19beta1, newer than any'),
  ])
})

test('a plan tells why it cannot be carried out, and can be printed all the same', async () => {
  const source = await loadSource(await sqlFolder())
  const plans = [
    { isStandby: true },
    { mayCreateSchemas: false },
    { schemas: ['jobtable'], schemasOfOthers: ['jobtable'] },
    { schemas: ['jobtable', 'jobtable_internal'], mayCreateSchemas: false },
  ].map((facts) => planFor(source, { ...emptyDatabase, ...facts }))

  expect(plans.map(({ obstacle }) => obstacle?.code)).toStrictEqual([
    'read_only',
    'no_permission',
    'no_permission',
    undefined,
  ])
  for (const plan of plans) expect(renderSql(plan)).toMatch(/\ncommit;\n$/)
})
