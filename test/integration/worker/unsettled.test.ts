import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineExecutor } from '../../../src/executor.ts'
import { Worker } from '../../../src/worker.ts'
import { useDatabase } from '../../support/database.ts'
import { linesOf } from '../../support/worker.ts'

const database = useDatabase()

/** What a worker's start says of defaults, in its events and its log. */
async function toldBy(payload: z.ZodType): Promise<readonly unknown[]> {
  await using worker = new Worker({
    connectionString: database().url,
    executors: [defineExecutor({ type: 'mail', payload, execute: () => undefined })],
  })
  const told: unknown[] = []
  worker.events.on('unsettled', (type, defaults) => told.push(type, ...defaults))
  const lines = linesOf(worker)
  await worker.start()
  told.push(...lines.filter((line) => line.startsWith('defaults of payloads')))
  return told
}

test('a worker warns of defaults that were others in each of the last three schemas, unless somebody changed them', async () => {
  const startedAt = (at: string) =>
    z.object({
      to: z.string().default('nobody'),
      options: z.object({ 'sent/at': z.string().default(at) }),
    })
  expect(await toldBy(startedAt('10:00'))).toEqual([])
  expect(await toldBy(startedAt('10:01'))).toEqual([])
  const warning = [
    'mail',
    '#/properties/options/properties/sent~1at',
    expect.stringMatching(
      /if nobody has changed them, they differ at each start.*write \.default\(\(\) => …\)/,
    ),
  ]
  expect(await toldBy(startedAt('10:02'))).toEqual(warning)
  // The next start of the same process declares nothing new, and is as wrong.
  expect(await toldBy(startedAt('10:02'))).toEqual(warning)
  let n = 0
  const asked = z.object({ to: z.string().default(() => `nobody ${(n += 1)}`) })
  expect(await toldBy(asked)).toEqual([])
})
