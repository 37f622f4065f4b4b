import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { killGroup } from './group.ts'
import { eachLine } from './lines.ts'
import { type Order, type Report, reportOf, tagged } from './messages.ts'

/** How long a process may take to end once its executor has, in milliseconds. */
const EXIT_MS = 2_000
/** How long to wait for its last output: something outside its group may hold that open. */
const CLOSE_MS = 1_000

const ENTRY = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url))

/** How a process came to its end: by an exit code, or by a signal. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface SpawnedOptions {
  /** The limit of V8's heap, in megabytes. */
  readonly heapMb: number | undefined
  readonly onReport: (report: Report) => void
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
}

/** A process that runs child.ts, as the leader of a group of its own. */
export class Spawned {
  readonly #child: ChildProcess
  readonly pid: number
  /** Resolves when it has ended, nothing of its group is left, and all that it said was heard. */
  readonly ended: Promise<Exit>

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child
    this.pid = pid
    this.ended = ending(child, pid)
  }

  /** Starts one. Rejects with the system's error if there is no starting it. */
  static async start({ heapMb, onReport, onLine }: SpawnedOptions): Promise<Spawned> {
    const heap = heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`]
    const child = spawn(process.execPath, [...heap, ENTRY], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    })
    const { pid, stdout, stderr } = child
    if (pid === undefined || stdout === null || stderr === null) {
      throw (await once(child, 'error'))[0]
    }
    // Such as of a message that comes too late: that the process has ended is known by itself.
    child.on('error', () => undefined)
    child.on('message', (received) => {
      const report = reportOf(received)
      if (report === undefined) return
      onReport(report)
      if (report.kind !== 'returned' && report.kind !== 'threw') return
      spawned.send({ kind: 'exit' })
      setTimeout(() => spawned.kill(), EXIT_MS).unref()
    })
    eachLine(stdout, (line) => onLine('stdout', line))
    eachLine(stderr, (line) => onLine('stderr', line))
    const spawned = new Spawned(child, pid)
    return spawned
  }

  /** Tells it something; it is no fault if it has ended meanwhile. */
  send(order: Order): void {
    this.#child.send(tagged(order), () => undefined)
  }

  /** Kills it, and with it the whole group. Once it has ended, its number may be another's. */
  kill(): void {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) killGroup(this.pid)
  }
}

async function ending(child: ChildProcess, pid: number): Promise<Exit> {
  const heard = new Promise((resolve) => child.once('disconnect', resolve))
  const closed = new Promise((resolve) => child.once('close', resolve))
  const exit = await new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  // What it has started and left. As long as any of that lives, the number is no other group's.
  killGroup(pid)
  await heard
  await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })])
  child.stdout?.destroy()
  child.stderr?.destroy()
  return exit
}
