import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTemporaryDir } from '../support/temporary.ts'

const HOOK = new URL('../../src/resolve.ts', import.meta.url).href
const INDEX = new URL('../../src/index.ts', import.meta.url).href

let folder: string

beforeAll(async () => {
  folder = await createTemporaryDir()
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

async function write(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  return path
}

/** Loads a file in a process of its own, with the hook, and returns what that prints. */
async function load(path: string): Promise<{ stdout: string; stderr: string }> {
  const entry = `
    const { installResolveHook } = await import('${HOOK}')
    installResolveHook()
    const { defineExecutor } = await import('${INDEX}')
    const { z } = await import('${import.meta.resolve('zod')}')
    globalThis.running = { defineExecutor, z }
    await import(${JSON.stringify(path)})`
  return await promisify(execFile)(process.execPath, ['--input-type=module', '-e', entry])
}

const EXECUTOR = `
  import { defineExecutor } from 'jobtable'
  import { z } from 'zod'
  const same: boolean = defineExecutor === running.defineExecutor && z === running.z
  console.log(same)
  declare const running: { defineExecutor: unknown, z: unknown }`

test.each([
  ['no package.json', 'bare/executor.ts', undefined],
  ['a package.json as npm init writes it', 'commonjs/executor.ts', '{"type": "commonjs"}'],
  ['a package.json of modules', 'module/executor.ts', '{"type": "module"}'],
])('a folder with %s gets the running copy, and its zod', async (_what, name, manifest) => {
  const path = await write(name, EXECUTOR)
  if (manifest !== undefined) await write(join(dirname(name), 'package.json'), manifest)
  expect(await load(path)).toEqual({ stdout: 'true\n', stderr: '' })
})

test('so does a folder whose executors a program of one’s own loads', async () => {
  const path = await write(
    'program/executors/greet.ts',
    `import { defineExecutor } from 'jobtable'
     import { z } from 'zod'
     const type: string = 'greet'
     export default defineExecutor({ type, payload: z.object({}), execute: () => 'hello' })`,
  )
  await write('program/package.json', '{"type": "commonjs"}')
  const main = await write(
    'program/main.mts',
    `import { loadExecutors } from '${INDEX}'
     for (let n = 0; n < 2; n += 1) {
       const executors = await loadExecutors(${JSON.stringify(dirname(path))})
       console.log(executors.map(({ type }) => type))
     }`,
  )
  expect(await promisify(execFile)(process.execPath, [main])).toEqual({
    stdout: "[ 'greet' ]\n[ 'greet' ]\n",
    stderr: '',
  })
})

test('require gets them as well', async () => {
  const path = await write(
    'required/executor.cjs',
    `console.log(require('jobtable').defineExecutor === running.defineExecutor,
       require('zod').z === running.z)`,
  )
  expect(await load(path)).toEqual({ stdout: 'true true\n', stderr: '' })
})

test('a folder’s own zod is used, but never another jobtable', async () => {
  for (const name of ['zod', 'jobtable']) {
    await write(`own/node_modules/${name}/package.json`, '{"exports": "./index.mjs"}')
    await write(
      `own/node_modules/${name}/index.mjs`,
      `export const z = 'own'; export const defineExecutor = 'own'`,
    )
  }
  const path = await write(
    'own/executor.ts',
    `import { defineExecutor } from 'jobtable'
     import { z } from 'zod'
     console.log(typeof defineExecutor, z)`,
  )
  expect((await load(path)).stdout).toBe('function own\n')
})

test('what is not there stays missing', async () => {
  const path = await write('missing/executor.ts', "import 'zodiac'")
  await expect(load(path)).rejects.toThrow("Cannot find package 'zodiac'")
})

test('the bundled executors are those of the checkout', async () => {
  const { bundledExecutors } = await import('../../src/resolve.ts')
  expect(join(bundledExecutors())).toBe(fileURLToPath(new URL('../../executors', import.meta.url)))
})
