import { setTimeout as sleep } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import type { Client } from 'pg'
import { addressOf } from './database.ts'
import { stillHere } from './queries/worker.ts'
import { BEATEN_AT, OVERDUE_AT, TURNED_AT, type UnderstudyData } from './understudy.ts'

// oxlint-disable-next-line typescript/no-unsafe-assignment -- what Understudy gives
const data: UnderstudyData = workerData
const { shared, worker, connectionString, intervalMs } = data
const times = new BigInt64Array(shared)
const interval = BigInt(Math.round(intervalMs * 1_000_000))

let client: Client | undefined
let stoodInAt = 0n

for (;;) {
  await sleep(intervalMs / 4)
  const now = process.hrtime.bigint()
  const since = (place: number): bigint => now - Atomics.load(times, place)
  const isBusy = since(TURNED_AT) > interval / 2n && since(BEATEN_AT) > interval
  const isOverdue = since(OVERDUE_AT) > 0n
  if (isBusy && !isOverdue && now - stoodInAt >= interval) {
    stoodInAt = now
    await standIn()
  }
}

/** One sign of life. That it does not arrive is for the worker to tell, once it has a turn again. */
async function standIn(): Promise<void> {
  try {
    client ??= await connect()
    await stillHere(client, worker)
  } catch {
    client?.end().catch(() => undefined)
    client = undefined
  }
}

async function connect(): Promise<Client> {
  const { default: pg } = await import('pg')
  const made = new pg.Client({
    ...addressOf(connectionString),
    application_name: 'jobtable:understudy',
    connectionTimeoutMillis: intervalMs,
    query_timeout: intervalMs,
  })
  made.on('error', () => {
    client = undefined
  })
  await made.connect()
  return made
}
