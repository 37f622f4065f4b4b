import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { registerType } from '../../../src/queries/registration.ts'
import { type CliResult, endCommandsAfterEach, runCli } from '../../support/cli.ts'
import { useDatabase } from '../../support/database.ts'
import { createTemporaryDir } from '../../support/temporary.ts'

const database = useDatabase()
endCommandsAfterEach()

const JOBS = 2_500

const report = async (...args: string[]): Promise<CliResult> =>
  await runCli(['report', ...args], { env: { DATABASE_URL: database().url, TZ: 'UTC' } })

/** What a command printed that ended well. */
async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await report(...args)
  expect([code, stderr.replace(/^(the newest|\S+ of \d+ jobs|no jobs).*\n/, '')]).toEqual([0, ''])
  return stdout
}

beforeAll(async () => {
  await registerType(database().pool, 'words', { facets: ['words'] })
  await database().query(
    `create table public.words (job bigint primary key, lines integer, language text, "$&" integer)`,
  )
  await database().query(`select jobtable.add_facet('words')`)
  await database().query(
    `with born as (
       insert into jobtable.job (type, title, run_at)
       select 'words', case n when 7 then 'say "a", ' || chr(10) || 'b' end,
         timestamptz '2099-01-01 00:00Z' + n % 3 * interval '1 hour'
       from generate_series(1, $1::integer) n returning id
     )
     insert into words select id, id % 100, case when id % 3 = 0 then 'de' else 'en' end from born`,
    [JOBS],
  )
  await database().query(`insert into jobtable.job_type (name) values ('none')`)
})

describe('prints the jobs with their facets, newest first', () => {
  test('as a table of 1,000, without columns that have no values', async () => {
    const { code, stdout, stderr } = await report('words')
    expect([code, stderr]).toEqual([0, 'the newest 1000: more with --limit\n'])
    const [head = '', first = '', ...others] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^ *id +status +title .* lines +language$/)
    expect(head).not.toMatch(/finished_at|fraction/)
    expect(first).toMatch(/^2500 +new +words 2500 .* 0 +en$/)
    expect(others).toHaveLength(999)
  })

  test('as CSV, all of them', async () => {
    const csv = await printed('words', '--csv', '--limit', 'all')
    expect(csv.split('\n').slice(0, 1)).toEqual([
      'id,status,status_detail,title,owner,payload,fraction,stage,message,result,error_name,' +
        'error_message,attempt,created_at,run_at,started_at,finished_at,wait_time,run_time,worker,' +
        'lines,language,$&',
    ])
    expect(csv.match(/^\d+,new,,/gm)).toHaveLength(JOBS)
    expect(csv).toContain('7,new,,"say ""a"", \nb",')
  })

  test('as JSON, with numbers and nulls as such', async () => {
    const jobs = JSON.parse(await printed('words', '--json', '--limit', '2')) as unknown[]
    expect(jobs).toMatchObject([
      { id: '2500', status: 'new', finished_at: null, payload: {}, lines: 0, language: 'en' },
      { id: '2499', lines: 99, language: 'de' },
    ])
  })

  test('as JSON, with times and durations as list --json has them, and with those that it lacks', async () => {
    await database().query(
      `begin; set local jobtable.writer = 'queue';
       set local jobtable.now = '2030-01-01 00:00:00.123456Z';
       insert into jobtable.job (type) values ('none');
       update jobtable.job set status = 'completed', started_at = '2030-01-01 00:00:01.5Z',
         finished_at = '2030-01-01 01:00:01.75Z' where type = 'none';
       commit`,
    )
    await database().query(`insert into jobtable.job (type, run_at) values ('none', 'infinity')`)
    onTestFinished(async () => {
      await database().query(`delete from jobtable.job where type = 'none'`)
    })
    const [late, done] = JSON.parse(await printed('none', '--json')) as Record<string, unknown>[]
    const listed = await runCli(['list', '--type', 'none', '--status', 'completed', '--json'], {
      env: { DATABASE_URL: database().url },
    })
    const [job] = JSON.parse(listed.stdout) as Record<string, unknown>[]
    expect(job).toMatchObject({
      created_at: '2030-01-01T00:00:00.123Z',
      wait_ms: 1376.544,
      run_ms: 3_600_250,
    })
    expect(job).toMatchObject(done ?? {})
    expect(late).toMatchObject({ run_at: 'infinity', wait_ms: null, finished_at: null })
  })

  test('with the facets that are named alone', async () => {
    const [first] = JSON.parse(
      await printed('words', '--json', '--limit', '1', '--facet', 'job_attempt'),
    ) as Record<string, unknown>[]
    expect(first).not.toHaveProperty('lines')
    expect(first).toHaveProperty('job_attempt', null)
  })

  test('of a type without jobs: nothing, an empty array, a head', async () => {
    expect(await printed('none')).toBe('')
    expect(await printed('none', '--json')).toBe('[]\n')
    expect((await printed('none', '--csv')).split('\n')).toHaveLength(2)
  })
})

describe('draws', () => {
  test('numbers by ranges', async () => {
    const lines = (await printed('words', '--plot', 'lines', '--limit', 'all'))
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(20)
    expect(lines[0]).toBe(` 0  ${'█'.repeat(50)} 125`)
    expect(lines[19]).toBe(`95  ${'█'.repeat(50)} 125`)
  })

  test('words by how frequent they are', async () => {
    expect(await printed('words', '--plot', 'language', '--limit', '3')).toBe(
      `en  ${'█'.repeat(50)} 2\nde  ${'█'.repeat(25)} 1\n`,
    )
  })

  test('times by periods', async () => {
    const lines = (await printed('words', '--plot', 'run_at', '--limit', '30')).split('\n')
    expect(lines[0]).toBe(`2099-01-01 00:00:00  ${'█'.repeat(50)} 10`)
    expect(lines.filter((line) => line.endsWith('10'))).toHaveLength(3)
  })

  test('into an SVG file: bars, and a line over time', async () => {
    const dir = await createTemporaryDir()
    onTestFinished(async () => await rm(dir, { recursive: true }))
    const file = join(dir, 'plot.svg')
    expect(await printed('words', '--plot', 'language', '--svg', file)).toBe('')
    const bars = await readFile(file, 'utf8')
    expect(bars).toMatch(/^<svg [^]*<rect x="60" [^]*>en<[^]*<\/svg>\n$/)
    await printed('words', '--plot', 'run_at', '--svg', file)
    expect(await readFile(file, 'utf8')).toContain('<polyline')
  })

  test('nothing of a column without values', async () => {
    expect(await printed('words', '--plot', 'finished_at')).toBe('')
    expect(await printed('words', '--plot', '$&')).toBe('')
  })
})

test.each([
  [['nobody'], 5, 'unknown job type "nobody"'],
  [['words', '--facet', 'missing'], 5, 'there is no facet "missing"'],
  [['words', '--plot', 'nothing'], 2, 'has no column "nothing"'],
  [['words', '--svg', 'x.svg'], 2, '--svg needs a column'],
  [['words', '--limit', '0'], 2, 'whole number from 1'],
  [['words', '--csv', '--json'], 2, 'cannot be used with'],
])('refuses %j', async (args, expected, message) => {
  const { code, stdout, stderr } = await report(...args)
  expect([code, stdout]).toEqual([expected, ''])
  expect(stderr).toContain(message)
})
