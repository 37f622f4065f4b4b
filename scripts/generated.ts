import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { codeOf } from '../src/errors.ts'

const PROJECT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Writes a generated file, its path from the project's root. With --check on the command line it writes
 * nothing, and the process ends with 1 if the file is not what it would write.
 */
export async function writeGenerated(path: string, text: string, script: string): Promise<void> {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
  const file = join(PROJECT, path)
  if (!values.check) {
    await writeFile(file, text)
  } else if ((await currentText(file)) !== text) {
    console.error(`${path} is not what the SQL says; run "node ${script}"`)
    process.exitCode = 1
  }
}

async function currentText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  })
}
