import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** How long a command may take to print or to end: far longer than it should. */
const PATIENCE_MS = 40_000

export interface CommandOptions {
  readonly cwd: string
  /** The file that Node runs. Default: the command line, unbuilt. */
  readonly main?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A command that runs as a process of its own. */
export class Command implements AsyncDisposable {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #closed: Promise<unknown>
  #news = Promise.withResolvers<void>()

  constructor(args: readonly string[], { cwd, main = MAIN, env }: CommandOptions) {
    this.#child = spawn(process.execPath, [main, ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    })
    this.#closed = once(this.#child, 'close')
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name].setEncoding('utf8').on('data', (text: string) => {
        this[name] += text
        this.#news.resolve()
        this.#news = Promise.withResolvers()
      })
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Waits until it has printed something that fits, on either stream. Throws if it ends before. */
  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout) && !pattern.test(this.stderr)) {
      const news = this.#news.promise.then(() => true)
      if (!(await Promise.race([news, this.#closed.then(() => false)]))) {
        throw new Error(`ended without ${pattern}: ${this.stdout}${this.stderr}`)
      }
    }
  }

  /** Waits for its end. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#closed
    return this.#child.exitCode ?? this.#child.signalCode
  }

  /** Waits for its end, and answers all that there is to see of it. */
  async result(): Promise<{
    readonly exit: number | NodeJS.Signals | null
    readonly stdout: string
    readonly stderr: string
  }> {
    const exit = await this.ended()
    return { exit, stdout: this.stdout, stderr: this.stderr }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM')
    await this.#closed
  }
}
