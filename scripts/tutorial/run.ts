import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTemporaryDir } from '../../test/support/temporary.ts'
import { Shell, until } from './shell.ts'
import { missingFragment, type RunStep, type Step, stepsOf } from './steps.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** What of a checkout the tutorial uses. */
const CHECKOUT = ['bin', 'executors', 'sql', 'src', 'package.json', 'tsconfig.json'] as const
const BUILD = ['tsconfig.build.json', 'tsconfig.drizzle.json', 'tsconfig.executors.json'] as const

/** The longest step is the demo, which imports all of its data. */
const STEP_TIMEOUT_MS = 180_000

/** How long the output of a step marked `again` may take to become what is expected. */
const AGAIN_TIMEOUT_MS = 30_000

/** How Node warns. */
const WARNING = /^\(node:\d+\) .*Warning: /m

/**
 * Does what a document tells its reader to do, in a copy of this checkout, and compares outputs with
 * those that it shows. Throws at the first step that differs, with the line and the output.
 *
 * @param onStep called before each step
 * @returns how many steps were taken
 */
export async function runDocument(
  file: string,
  onStep: (step: Step) => void = () => undefined,
): Promise<number> {
  const steps = stepsOf(await readFile(file, 'utf8'))
  const directory = await createTemporaryDir()
  try {
    const scratch = join(directory, 'scratch')
    const checkout = join(directory, 'jobtable')
    await mkdir(scratch)
    await mkdir(checkout)
    for (const name of [...CHECKOUT, ...BUILD]) {
      await cp(join(PROJECT, name), join(checkout, name), { recursive: true })
    }
    await symlink(join(PROJECT, 'node_modules'), join(checkout, 'node_modules'))
    await using shell = new Shell(checkout, scratch, cleanEnvironment())
    for (const step of steps) {
      onStep(step)
      if (step.kind === 'file') {
        const path = join(checkout, step.path)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, step.text)
      } else {
        await take(shell, step)
      }
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return steps.length
}

async function take(shell: Shell, step: RunStep): Promise<void> {
  const script =
    step.kind === 'sql' ? `jobtable sql <<'END_OF_SQL'\n${step.text}END_OF_SQL\n` : step.text
  let problem: string | undefined
  if (step.background) {
    const output = await shell.start(script)
    await until(async () => {
      problem = differs(step, 0, await output())
      return problem === undefined ? true : undefined
    }, STEP_TIMEOUT_MS)
  } else {
    const timeoutMs = step.again ? AGAIN_TIMEOUT_MS : 0
    await until(async () => {
      const { status, output } = await shell.run(script, STEP_TIMEOUT_MS)
      problem = differs(step, status, output)
      return problem === undefined ? true : undefined
    }, timeoutMs)
  }
  if (problem !== undefined)
    throw new Error(`line ${step.line}: ${problem}\n--- the step\n${step.text}`)
}

/** What is wrong with the way in which a step went; undefined for nothing. */
function differs(step: RunStep, status: number | undefined, output: string): string | undefined {
  const shown = `\n--- the output\n${output}`
  if (status === undefined) return `it did not end in time${shown}`
  if ((status !== 0) !== step.fails) return `its exit code is ${status}${shown}`
  if (WARNING.test(output)) return `it warns of what the document does not show${shown}`
  const missing = missingFragment(output, step.expected)
  return missing === undefined ? undefined : `the output lacks "${missing}"${shown}`
}

/** The environment of somebody who has just opened a terminal: no database is named in it. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const own = /^(PG|JOBTABLE_|TEST_|VITEST|DATABASE_URL$|NODE_|npm_|NO_COLOR|FORCE_COLOR)/
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name))),
    NO_COLOR: '1',
  }
}
