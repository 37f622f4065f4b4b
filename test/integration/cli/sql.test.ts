import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CliOptions, type CliResult, endCommandsAfterEach, runCli } from '../../support/cli.ts'
import { useDatabase } from '../../support/database.ts'
import { createTemporaryDir } from '../../support/temporary.ts'

const database = useDatabase()
endCommandsAfterEach()

async function sql(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return await runCli(['sql', ...args], { env: { DATABASE_URL: database().url }, ...options })
}

describe('prints', () => {
  test('aligned rows on standard output, counts and tags on standard error', async () => {
    const query = `create table t (a int, b text); insert into t values (1, 'x'), (20, null);
      select * from t order by a`
    expect(await sql([query])).toMatchObject({
      code: 0,
      stdout: ' a  b\n 1  x\n20\n',
      stderr: 'CREATE\nINSERT 2\n(2 rows)\n',
    })
  })

  test('the queue’s own tables without their schema', async () => {
    const { stdout } = await sql(['select count(*) from job'])
    expect(stdout).toBe('count\n    0\n')
  })

  test('values as the server writes them', async () => {
    const { stdout } = await sql([
      `select 9007199254740993 as big, 1.10::numeric as n, true as b, '{"a": 1}'::jsonb as j,
        timestamptz '2030-01-01 00:00:00.123456+00' as at`,
    ])
    const [, row] = stdout.split('\n')
    expect(row).toBe('9007199254740993  1.10  t  {"a": 1}  2030-01-01 00:00:00.123456+00')
  })

  test('--json: one line a result, nothing lost', async () => {
    const { stdout } = await sql([
      '--json',
      `select 9007199254740993 as big, 7 as i, 0.5::float8 as f, true as b, null as u,
        '{"a": [1]}'::jsonb as j; create table other (); select 'NaN'::float8 as nan`,
    ])
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      [{ big: '9007199254740993', i: 7, f: 0.5, b: true, u: null, j: { a: [1] } }],
      { command: 'CREATE', rows: null },
      [{ nan: 'NaN' }],
    ])
  })

  test('what COPY TO STDOUT sends', async () => {
    const { code, stdout, stderr } = await sql(["copy (values (1, 'ä'), (2, null)) to stdout csv"])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1,ä\n2,\n', stderr: 'COPY 2\n' })
  })

  test('notices on standard error', async () => {
    const { stdout, stderr } = await sql([
      `do $$ begin raise notice 'careful' using hint = 'look'; end $$`,
    ])
    expect(stdout).toBe('')
    expect(stderr).toBe('NOTICE:  careful\nHINT:  look\nDO\n')
  })
})

describe('reads', () => {
  test('standard input, or a file', async () => {
    expect((await sql([], { stdin: 'select 1 as one' })).stdout).toBe('one\n  1\n')
    const dir = await createTemporaryDir()
    onTestFinished(async () => await rm(dir, { recursive: true }))
    const file = join(dir, 'query.sql')
    await writeFile(file, 'select 2 as two')
    expect((await sql(['-f', file])).stdout).toBe('two\n  2\n')
    expect((await sql(['-f', '-'], { stdin: 'select 3 as three' })).stdout).toBe('three\n    3\n')
  })

  test.each([[['select 1', '-f', 'x']], [['-f', '/nowhere/query.sql']]])(
    '%j: exit code 2',
    async (args) => {
      expect((await sql(args)).code).toBe(2)
    },
  )
})

describe('errors: exit code 5, as psql tells them', () => {
  test('with the line and the place', async () => {
    const { code, stdout, stderr } = await sql(['select 1;\nselect ä, nothing from job'])
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toBe(
      [
        'ERROR:  column "ä" does not exist',
        'LINE 2: select ä, nothing from job',
        '               ^',
        'SQLSTATE:  42703\n',
      ].join('\n'),
    )
  })

  test('with detail and hint of the queue', async () => {
    const { code, stderr } = await sql(["insert into job (type) values ('nothing')"])
    expect(code).toBe(5)
    expect(stderr).toMatch(
      /^ERROR: {2}unknown job type "nothing"\nDETAIL: {2}.*\nHINT: {2}.*\nSQLSTATE: {2}JT001\n$/,
    )
  })

  test("with the context of functions that are not the queue's", async () => {
    const { stderr } = await sql(["do $$ begin raise exception 'mine'; end $$"])
    expect(stderr).toMatch(/^ERROR: {2}mine\nCONTEXT: {2}PL\/pgSQL function inline_code_block .*\n/)
  })

  test('COPY FROM STDIN is refused, not waited for', async () => {
    const { code, stderr } = await sql(['copy job (type) from stdin'])
    expect(stderr).toContain('COPY from stdin failed')
    expect(code).toBe(5)
  })

  test('several statements are one transaction', async () => {
    await sql(['create table half (); select 1/0'])
    const [row] = await database().query("select to_regclass('half') as half")
    expect(row).toEqual({ half: null })
  })
})
