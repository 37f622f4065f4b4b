import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { isRequired } from '../support/required.ts'
import { generatePrisma } from './libraries/generate.ts'

const TSC = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))
const LIBRARIES = fileURLToPath(new URL('libraries', import.meta.url))

const areInstalled = existsSync(`${LIBRARIES}/node_modules/prisma`)

test.skipIf(!areInstalled && !isRequired('prisma'))(
  'the libraries’ own types take rows of the queue',
  async () => {
    generatePrisma()
    await expect(promisify(execFile)(TSC, ['-p', LIBRARIES])).resolves.toMatchObject({ stdout: '' })
  },
)
