import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { until } from './clock.ts'
import { end, own } from './processes.ts'

/** Data outlives a crash but for the last second, the least that compares with a database. */
const DURABILITY = ['--appendonly', 'yes', '--appendfsync', 'everysec']

const START_MS = 10_000
const STOP_MS = 10_000

/** The Redis of a bench. */
export interface RedisServer extends AsyncDisposable {
  readonly version: string
  readonly settings: Readonly<Record<string, string>>
  readonly pid: number
  readonly url: string
  /** Forgets everything. */
  clear(): Promise<void>
}

/** Starts the system's redis-server on a free port of the loopback interface. */
export async function startRedis(parentDir: string): Promise<RedisServer> {
  const dir = join(parentDir, 'redis')
  await mkdir(dir)
  const port = await freePort()
  const address = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir]
  const child = own(spawn('redis-server', [...address, ...DURABILITY], { stdio: 'ignore' }))
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = new Error(`redis-server does not start: ${error.message}`)
  })
  const admin = new Redis({ port, lazyConnect: true, maxRetriesPerRequest: 0 })
  // Refused until the server listens; ioredis connects again by itself.
  admin.on('error', () => undefined)
  const answers = async (): Promise<boolean> => {
    if (failure !== undefined) throw failure
    return (await admin.ping().catch(() => '')) === 'PONG'
  }
  await until('start of redis-server', answers, START_MS)
  return {
    version: /redis_version:(\S+)/.exec(await admin.info('server'))?.[1] ?? 'unknown',
    settings: { appendonly: 'yes', appendfsync: 'everysec' },
    pid: child.pid ?? 0,
    url: `redis://127.0.0.1:${port}`,
    clear: async () => void (await admin.flushall()),
    [Symbol.asyncDispose]: async () => {
      admin.disconnect()
      await end(child, STOP_MS)
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}
