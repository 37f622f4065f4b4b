import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { StopMode } from '../../../src/embedded.ts'
import { pidsOf } from '../site.ts'
import type { Fault } from './fault.ts'

/** Connections that are left free when all others are held. */
const LEFT_FREE = 2
const TAKEN_AT_ONCE = 16
const CONNECT_TIMEOUT_MS = 5_000
const SHORTEST_EXHAUSTION_MS = 3_000
const LONGEST_EXHAUSTION_MS = 9_000
/** Seconds by which the clock is moved. */
const CLOCK_OFFSETS = [-30, 4, 20, 600, 3_600] as const

/** pg_ctl restart. */
function restart(mode: StopMode): Fault {
  return {
    name: `restart ${mode}`,
    aim: ({ postgres, workers }) => ({
      target: 'server',
      pids: pidsOf(workers),
      everyone: true,
      strike: async () => await postgres.restart(mode),
    }),
  }
}

export const restartFast: Fault = restart('fast')
export const restartImmediate: Fault = restart('immediate')

/** pg_terminate_backend of the workers' sessions, each with the same chance. */
export const terminate: Fault = {
  name: 'terminate',
  aim: ({ observer, workers }, random) => {
    const share = random.pick([0.2, 0.5, 1])
    return {
      target: `${share * 100} % of the sessions`,
      pids: pidsOf(workers),
      everyone: true,
      strike: async () => {
        await observer.ask(
          `select pg_terminate_backend(a.pid) from pg_stat_activity a
           where a.application_name like 'jobtable:%' and random() < $1`,
          [share],
        )
      },
    }
  },
}

/** Somebody takes all connections but a few, and the workers must connect anew. */
export const exhaust: Fault = {
  name: 'exhaust',
  aim: ({ observer, postgres, workers }, random) => {
    const ms = random.integer(SHORTEST_EXHAUSTION_MS, LONGEST_EXHAUSTION_MS)
    return {
      target: `${ms} ms`,
      pids: pidsOf(workers),
      everyone: true,
      strike: async () => {
        const clients = await takeConnections(postgres.url)
        await observer.ask(
          `select pg_terminate_backend(a.pid) from pg_stat_activity a
           where a.application_name like 'jobtable:%'`,
        )
        const more = await takeConnections(postgres.url)
        await delay(ms)
        await Promise.all([...clients, ...more].map(async (client) => await client.end()))
      },
    }
  },
}

/** Opens connections until the server refuses more, and gives a few back. */
async function takeConnections(url: string): Promise<pg.Client[]> {
  const clients: pg.Client[] = []
  for (let isFull = false; !isFull; ) {
    const asked = Array.from({ length: TAKEN_AT_ONCE }, async () => await connect(url))
    for (const client of await Promise.all(asked)) {
      if (client === undefined) isFull = true
      else clients.push(client)
    }
  }
  await Promise.all(clients.splice(0, LEFT_FREE).map(async (client) => await client.end()))
  return clients
}

async function connect(url: string): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'chaos:hoarder',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch {
    return undefined
  }
}

/** The database's clock is set, and set right again. */
export const moveClock: Fault = {
  name: 'clock',
  aim: ({ postgres, workers }, random) => {
    const offset = random.pick(CLOCK_OFFSETS)
    const ms = random.integer(1_000, 10_000)
    return {
      target: `${offset} s for ${ms} ms`,
      pids: pidsOf(workers),
      everyone: true,
      strike: async () => {
        await postgres.moveClock(offset)
        await delay(ms)
        await postgres.moveClock(0)
      },
    }
  },
}
