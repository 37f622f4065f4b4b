import { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { Pools } from '../../../src/pools.ts'
import { useDatabase } from '../../support/database.ts'

const database = useDatabase()

test("each of a worker's connections is probed after ten seconds of silence", async () => {
  using probed = vi.spyOn(Socket.prototype, 'setKeepAlive')
  const pools = new Pools({
    connectionString: database().url,
    heartbeatMs: 2_000,
    onTrouble: () => undefined,
  })
  const { ticks, beats, background, telling, facets, transactions } = pools
  const all = [ticks, beats, background, telling, facets, transactions]
  await Promise.all(all.map(async (pool) => await pool.query('select')))
  await pools.close()
  expect(probed.mock.calls).toEqual(all.map(() => [true, 10_000]))
})
