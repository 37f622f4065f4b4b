import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type Context, defineExecutor, type Executor } from 'jobtable'
import { z } from 'zod'

const payload = z.object({
  // The database cannot check it, so that the worker does.
  task: z.string().refine((task) => task in TASKS, 'is unknown'),
  // A value that could not be sent to another process.
  at: z
    .string()
    .default('2026-01-02')
    .transform((text) => new Date(text)),
})

const facets = {
  told: z.object({ n: z.int(), text: z.string().transform((text) => text.toUpperCase()) }),
}

type TaskContext = Context<z.output<typeof payload>, typeof facets>

/** What executors do, each of which must come out alike with either isolation. */
const TASKS: Readonly<Record<string, (context: TaskContext) => unknown>> = {
  tell: ({ progress, log, job, payload: { at } }) => {
    progress(0.5)
    progress({ stage: 'told', message: 'half' })
    log.info('first', { year: at.getFullYear() })
    log.warn('second')
    return { job, large: 'x'.repeat(1_000_000) }
  },
  flood: ({ progress, log }) => {
    for (let n = 1; n <= 2_000; n += 1) {
      for (let part = 1; part <= 50; part += 1) progress((n * 50 + part) / 100_050)
      log.debug(`line ${n}`)
    }
  },
  nothing: () => undefined,
  throw: () => {
    const cause = Object.assign(new TypeError('the cause'), { code: 'INNER' })
    throw Object.assign(new RangeError('on purpose', { cause }), { code: 'OUTER' })
  },
  throwText: () => {
    // oxlint-disable-next-line typescript/only-throw-error -- as executors of anybody may
    throw 'only text'
  },
  facet: async ({ facet }) => {
    await facet('told', { n: 1, text: 'one' })
    await facet('told', { n: 2 })
  },
  wrongFields: async ({ facet }) => await facet('told', { n: 1.5 }),
  unseen: ({ facet }) => void facet('nowhere' as 'told', { n: 1 }),
  seen: async ({ facet }) =>
    await facet('nowhere' as 'told', { n: 1 }).catch((error: { code: string }) => error.code),
  range: ({ progress }) => progress(2),
  transaction: async ({ transaction, facet, progress, log }) => {
    await facet('told', { n: 1 })
    return await transaction(async (client) => {
      await client.query("insert into effect values ('kept')")
      void facet('told', { n: 2 })
      progress(0.9)
      log.info('within')
      return 'committed'
    })
  },
  rollback: async ({ transaction, log }) =>
    await transaction(async (client) => {
      await client.query("insert into effect values ('lost')")
      log.info('within')
      throw new Error('no commit')
    }),
  listen: async ({ signal, log }) => {
    log.info('listening')
    await once(signal, 'abort')
    const { name, code, message } = signal.reason
    log.info(`${name} ${code} ${message}`)
    throw signal.reason
  },
  commitAndDie: async ({ transaction }) => {
    await transaction(async (client) => {
      await client.query("insert into effect values ('kept')")
      return 'committed'
    })
    process.kill(process.pid, 'SIGKILL')
    await delay(60_000)
  },
  twice: async ({ transaction }) => {
    await transaction(async () => 'first')
    await transaction(async () => 'second')
  },
}

/** An executor of these tasks. */
export function tasksExecutor(type: string, isolation: 'none' | 'process'): Executor {
  return defineExecutor({
    type,
    isolation,
    payload,
    facets,
    execute: async (context) => await TASKS[context.payload.task]?.(context),
  })
}
