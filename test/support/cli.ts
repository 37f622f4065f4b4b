import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Executors of every kind that a test of a command needs. */
export const EXECUTORS: string = fileURLToPath(new URL('executors', import.meta.url))

/** Far longer than any command should take: only faults end here. */
const PATIENCE_MS = 40_000

export interface CliOptions {
  /** The environment but for PATH and HOME, which are always there. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>
  /** Standard input. Default: empty. */
  readonly stdin?: string
  readonly cwd?: string
  /** It is killed when it takes longer. Default: 40 s, more than any command should take. */
  readonly patienceMs?: number
}

/** How a command ended. */
export interface CliResult {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command at work. */
export interface RunningCli {
  readonly child: ChildProcess
  readonly ended: Promise<CliResult>
  /** Resolves with the first line of either output that holds a text, also of what was printed before. */
  line(text: string): Promise<string>
}

const running = new Set<ChildProcess>()

/** Ends what a failed test has left running. */
export function endCommandsAfterEach(): void {
  afterEach(async () => {
    await Promise.all(
      Array.from(running, async (child) => {
        child.kill('SIGKILL')
        await once(child, 'close')
      }),
    )
  })
}

/** Starts `jobtable` with arguments, unbuilt, as a process of its own that is no terminal. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH, HOME, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.patienceMs ?? PATIENCE_MS,
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  const printed = new EventTarget()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    printed.dispatchEvent(new Event('more'))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    printed.dispatchEvent(new Event('more'))
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.stdin ?? '')
  const closed = once(child, 'close')
  const ended = closed.then((): CliResult => {
    running.delete(child)
    printed.dispatchEvent(new Event('more'))
    return { code: child.exitCode, signal: child.signalCode, stdout, stderr }
  })
  const find = (text: string): string | undefined =>
    [...stdout.split('\n').slice(0, -1), ...stderr.split('\n').slice(0, -1)].find((line) =>
      line.includes(text),
    )
  return {
    child,
    ended,
    line: async (text) => {
      for (;;) {
        const line = find(text)
        if (line !== undefined) return line
        if (!running.has(child)) {
          throw new Error(`ended without printing "${text}":\n${stdout}\n${stderr}`)
        }
        await new Promise((resolve) => printed.addEventListener('more', resolve, { once: true }))
      }
    },
  }
}

/** Runs `jobtable` with arguments to its end. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  return await startCli(args, options).ended
}
