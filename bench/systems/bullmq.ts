import { Queue, Worker } from 'bullmq'
import { chunksOf, jobOf, NOOP } from '../lib/batch.ts'
import type { System, Target } from './system.ts'

/** Jobs of one addBulk, which is one transaction of Redis. */
const CHUNK = 10_000

/** One queue for all types: to BullMQ they are names of jobs. */
const QUEUE = 'bench'

export const bullmq: System = {
  name: 'bullmq',
  server: 'redis',
  variants: [
    {
      name: 'default',
      settings: {},
      source: 'dist/esm/interfaces/worker-options.d.ts of its package',
      atMost: 50_000,
    },
    {
      name: 'fastest',
      settings: { concurrency: 500 },
      source: 'https://docs.bullmq.io/guide/workers/concurrency',
    },
  ],
  concurrent: (jobs) => ({ concurrency: jobs }),
  install: async () => undefined,
  enqueue: (target, batch) =>
    withQueue(target, async (queue) => {
      const job = jobOf(batch)
      const opts = batch.delaySeconds === undefined ? {} : { delay: batch.delaySeconds * 1_000 }
      for (const { first, count } of chunksOf(batch, CHUNK)) {
        await queue.addBulk(
          Array.from({ length: count }, (_, index) => {
            const { type, payload } = job(first + index)
            return { name: type, data: payload, opts }
          }),
        )
      }
    }),
  count: (target) =>
    withQueue(target, async (queue) => {
      const { completed = 0, ...others } = await queue.getJobCounts()
      return { completed, left: Object.values(others).reduce((sum, count) => sum + count, 0) }
    }),
  sender: async (target) => {
    const queue = new Queue(QUEUE, { connection: connectionTo(target) })
    await queue.waitUntilReady()
    return {
      send: async (payload) => void (await queue.add(NOOP, payload)),
      close: () => queue.close(),
    }
  },
  start: async (target, settings, { begin, completed }) => {
    const worker = new Worker<Record<string, unknown>>(
      QUEUE,
      async ({ id = '', data }) => await begin?.(id, data),
      { ...settings, connection: connectionTo(target) },
    )
    worker.on('completed', ({ id = '' }) => completed(1, () => [id]))
    worker.on('error', (error) => process.stderr.write(`bullmq: ${error.message}\n`))
    await worker.waitUntilReady()
    return () => worker.close(true)
  },
}

function connectionTo({ url }: Target): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

async function withQueue<T>(target: Target, use: (queue: Queue) => Promise<T>): Promise<T> {
  const queue = new Queue(QUEUE, { connection: connectionTo(target) })
  try {
    await queue.waitUntilReady()
    return await use(queue)
  } finally {
    await queue.close()
  }
}
