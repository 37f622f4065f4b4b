import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Ran {
  /** Exit code; undefined if the time was over first. */
  readonly status: number | undefined
  /** Standard output and standard error as a terminal shows them. */
  readonly output: string
}

/** How long bash may take to end what it started, once it was told to. */
const STOP_TIMEOUT_MS = 60_000

/** One bash for a whole document, so that variables, functions and background jobs live on. */
export class Shell implements AsyncDisposable {
  readonly #scratch: string
  readonly #bash: ChildProcessWithoutNullStreams
  readonly #ended: Promise<void>
  #lines = ''
  #count = 0

  /** @param scratch folder of its scripts and their outputs */
  constructor(directory: string, scratch: string, env: NodeJS.ProcessEnv) {
    this.#scratch = scratch
    this.#bash = spawn('bash', ['--noprofile', '--norc'], { cwd: directory, env })
    this.#ended = new Promise((resolve) => this.#bash.once('exit', () => resolve()))
    this.#bash.stdout.on('data', (chunk: Buffer) => {
      this.#lines += chunk.toString()
    })
    this.#bash.stderr.resume()
    this.#send('set -m')
  }

  /** Runs a script to its end. */
  async run(script: string, timeoutMs: number): Promise<Ran> {
    const { file, log } = await this.#write(script)
    const mark = randomUUID()
    this.#send(`source '${file}' </dev/null >'${log}' 2>&1; echo "${mark} $?"`)
    const answered = new RegExp(`${mark} (\\d+)`)
    const match = await until(() => answered.exec(this.#lines) ?? undefined, timeoutMs)
    return {
      status: match === undefined ? undefined : Number(match[1]),
      output: await readFile(log, 'utf8'),
    }
  }

  /** Starts a script and lets it go on. Answers what it has said so far. */
  async start(script: string): Promise<() => Promise<string>> {
    const { file, log } = await this.#write(script)
    this.#send(`( source '${file}' ) </dev/null >'${log}' 2>&1 &`)
    return async () => await readFile(log, 'utf8').catch(() => '')
  }

  /** Presses Ctrl-C for what still runs in the background, and waits until it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#send('for pid in $(jobs -p); do kill -INT -- "-$pid"; done; wait; exit')
    const timer = setTimeout(() => this.#bash.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await this.#ended
    clearTimeout(timer)
  }

  async #write(script: string): Promise<{ file: string; log: string }> {
    this.#count += 1
    const file = join(this.#scratch, `${this.#count}.sh`)
    await writeFile(file, script)
    return { file, log: join(this.#scratch, `${this.#count}.log`) }
  }

  #send(line: string): void {
    this.#bash.stdin.write(`${line}\n`)
  }
}

/** Asks again until there is an answer, or the time is over. */
export async function until<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number,
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined || performance.now() > deadline) return answer
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
  }
}
