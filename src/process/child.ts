// The entry of a process that runs one attempt. Started by JobProcess, as the leader of a group.

import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Pool } from 'pg'
import { checkedPayload, resultText } from '../checks.ts'
import { addressOf } from '../database.ts'
import { loadExecutor } from '../loader.ts'
import { CONNECT_TIMEOUT_MS, KEEP_ALIVE } from '../pools.ts'
import { Channel } from './channel.ts'
import { ChildContext } from './child-context.ts'
import { endOrphan, killGroup } from './group.ts'
import { orderOf, type SentEnd, type Start } from './messages.ts'
import { fromWire, toWire } from './wire-error.ts'

/** One for the transaction, one to look up whether it was committed if the first one broke. */
const CONNECTIONS = 2

const channel = new Channel()
const abort = new AbortController()
let context: ChildContext | undefined

process.on('disconnect', () => killGroup(process.pid))
// Also rejections that nobody handles: they are this attempt's, since nothing else runs here.
process.on('uncaughtException', (error) => channel.end(threw(error)))
process.on('message', (received) => {
  const order = orderOf(received)
  if (order === undefined) return
  switch (order.kind) {
    case 'start':
      return void run(order).then((report) => channel.end(report))
    case 'abort':
      return abort.abort(fromWire(order.reason))
    case 'answer':
      return channel.answer(order.n, order.error)
    case 'exit':
      // Not before: of a worker that is gone nobody hears, and what it has left would live on.
      return process.exit()
  }
})

async function run(start: Start): Promise<SentEnd> {
  const { file, connectionString, worker } = start
  watch(worker)
  process.on('exit', () => endOrphan(worker))
  try {
    const executor = await loadExecutor(file)
    const { value: payload } = await checkedPayload(executor, start.payload)
    context = new ChildContext({ ...start, payload }, executor, channel, abort.signal, () =>
      connect(connectionString),
    )
    const value = await executor.execute(context)
    await context.written()
    const { completed } = context
    return { kind: 'returned', result: completed ? undefined : resultText(value), completed }
  } catch (error) {
    return threw(error)
  }
}

function threw(error: unknown): SentEnd {
  return { kind: 'threw', error: toWire(error), completed: context?.completed ?? false }
}

function connect(connectionString: string | undefined): Pool {
  const pool = new Pool({
    ...addressOf(connectionString),
    application_name: 'jobtable:process',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...KEEP_ALIVE,
    max: CONNECTIONS,
  })
  // An idle connection that breaks would end the process if nobody listened.
  pool.on('error', () => undefined)
  return pool
}

/** From a thread of its own: an executor that never waits keeps the disconnect from being noticed. */
function watch(worker: number): void {
  const thread = new Worker(new URL(`./watch${extname(import.meta.url)}`, import.meta.url), {
    workerData: worker,
    env: {},
    execArgv: [],
  })
  thread.unref()
}
