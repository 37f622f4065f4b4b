// A client's own process: it sends jobs, one a transaction, as somebody would who uses that system.
import { Worker as Thread } from 'node:worker_threads'
import { nowUs } from './lib/clock.ts'
import type { PoissonPlan, SenderAnswer, SenderOrder } from './lib/messages.ts'
import { loadSystem } from './systems/index.ts'
import type { Sender } from './systems/system.ts'

let sender: Sender | undefined
let connections = 0

function tell(answer: SenderAnswer): void {
  process.send?.(answer)
}

async function send(sentUs: number | undefined): Promise<void> {
  await sender?.send(sentUs === undefined ? {} : { sentUs })
}

/**
 * The times are drawn beforehand and not put off by what happens: a job that is sent late, because the
 * database did not answer, has waited since its time had come.
 */
async function sendPoisson(plan: PoissonPlan): Promise<SenderAnswer> {
  const sending: Promise<void>[] = []
  const lateUs: number[] = []
  const pacer = new Thread(new URL('pacer.ts', import.meta.url), { workerData: plan })
  pacer.on('message', (dueUs: number) => {
    if (plan.isMeasured) lateUs.push(nowUs() - dueUs)
    sending.push(send(plan.isMeasured ? dueUs : undefined))
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  pacer.once('error', reject)
  pacer.once('exit', () => resolve())
  await promise
  await Promise.all(sending)
  return { answer: 'sent', jobs: sending.length, lateUs }
}

async function flood(seconds: number): Promise<SenderAnswer> {
  const deadline = performance.now() + seconds * 1_000
  let jobs = 0
  const run = async (): Promise<void> => {
    while (performance.now() < deadline) {
      await send(undefined)
      jobs += 1
    }
  }
  await Promise.all(Array.from({ length: connections }, run))
  return { answer: 'sent', jobs, lateUs: [] }
}

async function obey(order: SenderOrder): Promise<void> {
  switch (order.order) {
    case 'prepare': {
      const system = await loadSystem(order.system)
      connections = order.connections
      sender = await system.sender?.(order.target, connections)
      // Connections are made by the first jobs that need them, which are not to be measured.
      return tell({ answer: 'prepared' })
    }
    case 'one':
      await send(nowUs())
      return tell({ answer: 'sent', jobs: 1, lateUs: [] })
    case 'poisson':
      return tell(await sendPoisson(order.plan))
    case 'flood':
      return tell(await flood(order.seconds))
  }
}

// An error ends the process with its stack on stderr, and the parent stops waiting for it.
process.on('message', (order: SenderOrder) => void obey(order))
process.on('disconnect', () => process.exit())
