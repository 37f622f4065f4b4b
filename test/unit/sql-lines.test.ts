import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

test('the check of SQL finds lines that are too long wherever it is called, and fails without SQL', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sql-lines-'))
  onTestFinished(async () => await rm(directory, { recursive: true }))
  await mkdir(join(directory, 'scripts'))
  await mkdir(join(directory, 'sql'))
  const script = join(directory, 'scripts/sql-lines.ts')
  await copyFile('scripts/sql-lines.ts', script)
  const check = () => {
    const { status, stderr } = spawnSync(process.execPath, [script], {
      cwd: tmpdir(),
      encoding: 'utf8',
    })
    return { status, stderr }
  }
  expect(check()).toEqual({ status: 1, stderr: expect.stringContaining('there is no SQL in') })
  await writeFile(join(directory, 'sql/one.sql'), `select 1;\n-- ${'x'.repeat(98)}\n`)
  expect(check()).toEqual({
    status: 1,
    stderr: expect.stringContaining('one.sql:2 is longer than 100 columns'),
  })
  await writeFile(join(directory, 'sql/one.sql'), `-- ${'x'.repeat(97)}\n`)
  expect(check().status).toBe(0)
})
