import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'pg'
import { afterEach, expect, test } from 'vitest'
import { PooledClient } from '../../src/pooled-client.ts'

const AUTHENTICATION_OK = message('R', Buffer.from([0, 0, 0, 0]))
const READY = message('Z', Buffer.from('I'))
const FATAL = message(
  'E',
  Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
)

let server: Server | undefined
let pool: Pool | undefined

afterEach(async () => {
  await pool?.end()
  server?.close()
})

/** A server that answers to the start of a session by these bytes, in one packet, and hangs up. */
async function poolOf(answer: Buffer): Promise<Pool> {
  server = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(answer))
  })
  const listening = server
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve)
  })
  const address = listening.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  pool = new Pool({ host: '127.0.0.1', port, user: 'u', database: 'd', password: 'p' })
  pool.on('error', () => undefined)
  return pool
}

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

test('a session that the server ends in the packet that opens it fails its first statement, and no more', async () => {
  const uncaught: unknown[] = []
  const hear = (error: unknown): void => void uncaught.push(error)
  process.prependListener('uncaughtException', hear)
  const opened = await poolOf(Buffer.concat([AUTHENTICATION_OK, READY, FATAL]))
  using pooled = await PooledClient.checkOut(opened)
  await expect(pooled.client.query('select 1')).rejects.toThrow(/terminat|not queryable/)
  await sleep(50)
  process.off('uncaughtException', hear)
  expect(uncaught).toEqual([])
})

test('a session that is refused rejects', async () => {
  const refused = await poolOf(FATAL)
  await expect(PooledClient.checkOut(refused)).rejects.toMatchObject({ code: '57P01' })
})
