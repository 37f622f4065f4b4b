import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Command } from '../support/command.ts'
import { createTemporaryDir } from '../support/temporary.ts'
import { until } from '../support/worker.ts'

let folder: string

beforeAll(async () => {
  folder = await createTemporaryDir()
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

function start(...args: string[]): Command {
  return new Command(args, { cwd: folder })
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

function isServerGone(data: string): boolean {
  return !existsSync(join(folder, data, 'pgdata', 'postmaster.pid'))
}

describe('demo', () => {
  test.each(['first', 'second'])('imports the cities and reports, the %s time too', async () => {
    await using demo = start('demo', '--exit', '--data', 'demo')
    expect(await demo.result()).toMatchObject({ exit: 0 })
    const text = demo.stdout

    const [, counted = ''] = /^([\d,]+) cities written to .*cities\.csv/m.exec(text) ?? []
    const rows = counted.replaceAll(',', '')
    expect(Number(rows)).toBeGreaterThan(100_000)
    expect(text).toContain('GeoNames (geonames.org), CC BY 4.0')
    expect(text).toContain("values ('import_csv', '{")
    expect(text).toMatch(/ {2}completed +█+ 100 %/)
    expect(text).toMatch(new RegExp(`^public\\.city +${rows} +\\d+$`, 'm'))
    expect(text).toMatch(new RegExp(`^${counted} cities in \\d+ countries`, 'm'))
    expect(text).toMatch(/^Shanghai +China +[\d,]+$/m)
    expect(isServerGone('demo')).toBe(true)
  })

  test('ends with exit code 1 when a job fails, and says why', async () => {
    await mkdir(join(folder, 'failing'))
    await writeFile(
      join(folder, 'failing', 'import_csv.ts'),
      `import { defineExecutor } from 'jobtable'
       export default defineExecutor({
         type: 'import_csv',
         execute: (): void => { throw new Error('no cities today') },
       })`,
    )
    await using demo = start('demo', '--exit', '--data', 'demo', '--executors', 'failing')
    expect(await demo.ended()).toBe(1)
    expect(demo.stderr).toMatch(/job \d+ failed: no cities today/)
    expect(isServerGone('demo')).toBe(true)
  })

  test('stays up without --exit, until Ctrl-C', async () => {
    await using demo = start('demo', '--data', 'demo')
    await demo.printed(/Ctrl-C stops it/)
    await demo.printed(/postgres:\/\/\S+\n/)
    const [url = ''] = /postgres:\/\/\S+/.exec(demo.stdout) ?? []
    expect(await query(url, 'select count(*)::int > 100000 as all from city')).toEqual([
      { all: true },
    ])
    const [, suggested = ''] = /"(select .* from jobtable\.job_report.*)"/.exec(demo.stdout) ?? []
    const [newest, before] = await query(url, suggested)
    expect([newest, before]).toMatchObject([{ type: 'city_report' }, { type: 'import_csv' }])
    demo.signal('SIGINT')
    expect(await demo.ended()).toBe(0)
    expect(isServerGone('demo')).toBe(true)
  })

  test('Ctrl-C in the middle stops all of it', async () => {
    await using demo = start('demo', '--data', 'demo')
    await demo.printed(/returning id/)
    demo.signal('SIGINT')
    expect(await demo.ended()).toBe(130)
    expect(demo.stderr).toContain('interrupted by SIGINT')
    expect(isServerGone('demo')).toBe(true)
  })
})

describe('up', () => {
  test('runs the executors of a folder, joins a server that runs, and stops what it has started', async () => {
    await mkdir(join(folder, 'mine'))
    await writeFile(
      join(folder, 'mine', 'hello.ts'),
      `import { defineExecutor } from 'jobtable'
       export default defineExecutor({ type: 'hello', execute: () => 'world' as const })`,
    )
    await using up = start('up', '--data', 'up', '--executors', 'mine')
    await up.printed(/Ctrl-C stops it/)
    await up.printed(/^postgres:/)
    const url = up.stdout.trim()
    await query(url, "insert into jobtable.job (type) values ('hello')")

    await using second = start('up', '--data', 'up', '--executors', 'mine')
    await second.printed(/was running already/)
    await second.printed(/^postgres:/)
    expect(second.stdout.trim()).toBe(url)
    second.signal('SIGTERM')
    expect(await second.ended()).toBe(0)

    const world = `exists (select from jobtable.job_report where result = '"world"')`
    await until({ query: async (text) => await query(url, text) }, world)
    up.signal('SIGTERM')
    expect(await up.ended()).toBe(0)
    expect(isServerGone('up')).toBe(true)
  })

  test('says what is wrong with an executor before it starts anything', async () => {
    await mkdir(join(folder, 'broken'))
    await writeFile(join(folder, 'broken', 'nothing.ts'), 'export const nothing: number = 1')
    await using up = start('up', '--data', 'none', '--executors', 'broken')
    expect(await up.ended()).toBe(2)
    expect(up.stderr).toContain('nothing.ts: has no default export')
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })
})
