// A worker's own process: it runs one system's worker, as somebody would who uses that system, and tells its
// parent how many jobs were completed, and when.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { nowUs } from './lib/clock.ts'
import type { Task, Usage, WorkerAnswer, WorkerOrder } from './lib/messages.ts'
import { loadSystem } from './systems/index.ts'
import type { Payload, System, Work } from './systems/system.ts'

/** How often the parent is told while jobs are completed, in milliseconds. */
const TELL_MS = 10

let task: Task | undefined
let system: System | undefined
let jobs = 0
let atUs = 0
let telling: NodeJS.Timeout | undefined
const latencies: { startUs: number[]; doneUs: number[] } = { startUs: [], doneUs: [] }
/** When running jobs were meant to be sent, by id. */
const sentUs = new Map<string, number>()
const signals: Record<string, number> = {}

function tell(answer: WorkerAnswer): void {
  process.send?.(answer)
}

function tellTally(): void {
  clearTimeout(telling)
  telling = undefined
  tell({ answer: 'tally', jobs, atUs })
}

const completed: Work['completed'] = (count, ids) => {
  jobs += count
  atUs = nowUs()
  if (task?.body === 'latency') noteDone(ids(), atUs)
  if (jobs === task?.jobs) tellTally()
  else telling ??= setTimeout(tellTally, TELL_MS)
}

function noteDone(ids: readonly string[], doneUs: number): void {
  for (const id of ids) {
    const sent = sentUs.get(id)
    if (sent !== undefined) latencies.doneUs.push(doneUs - sent)
    sentUs.delete(id)
  }
}

/** Jobs of the warm-up carry no time. */
function noteStart(id: string, { sentUs: sent }: Payload): void {
  if (typeof sent !== 'number') return
  latencies.startUs.push(nowUs() - sent)
  sentUs.set(id, sent)
}

async function noteSignal(id: string, _payload: Payload, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) throw new Error('this system asks no job to stop')
  await once(signal, 'abort')
  signals[id] = nowUs()
  signal.throwIfAborted()
}

function bodyOf({ body }: Task): Work['begin'] {
  switch (body) {
    case 'nothing':
      return undefined
    case 'sleep':
      return (_id, { ms }) => sleep(Number(ms))
    case 'latency':
      return noteStart
    case 'cancel':
      return noteSignal
  }
}

async function start(): Promise<void> {
  if (task === undefined) throw new Error('not prepared')
  await system?.start?.(task.target, task.settings, {
    types: task.types,
    begin: bodyOf(task),
    completed,
  })
  tell({ answer: 'started' })
}

async function obey(order: WorkerOrder): Promise<void> {
  switch (order.order) {
    case 'prepare':
      task = order.task
      system = await loadSystem(task.system)
      await system.load?.(task.target)
      return tell({ answer: 'prepared' })
    case 'start':
      return await start()
    case 'usage': {
      const cpu = process.cpuUsage()
      const usage: Usage = {
        cpuUs: cpu.user + cpu.system,
        rssBytes: process.memoryUsage.rss(),
        rssPeakBytes: process.resourceUsage().maxRSS * 1024,
      }
      return tell({ answer: 'usage', usage })
    }
    case 'latencies':
      return tell({ answer: 'latencies', latencies })
    case 'signals':
      return tell({ answer: 'signals', signals })
  }
}

// An error ends the process with its stack on stderr, and the parent stops waiting for it.
process.on('message', (order: WorkerOrder) => void obey(order))
process.on('disconnect', () => process.exit())
