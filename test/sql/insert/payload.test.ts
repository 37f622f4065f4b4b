import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { only, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

beforeAll(async () => {
  await addTypes(database(), 'any_payload')
})

/** PostgreSQL's JSON holds every text but the character NUL and halves of surrogate pairs. */
const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((value) => value.replaceAll('\0', '').toWellFormed())

/** A number that is the same after a way through decimal digits: JSON has no minus zero. */
const number = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (Object.is(value, -0) ? 0 : value))

const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    number,
    text,
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(text, tie('json'), { maxKeys: 5 }),
  ),
}))

test('any JSON object survives the way through the queue', async () => {
  const ticker = await startTicker(database(), 'any_payload')
  await fc.assert(
    fc.asyncProperty(fc.dictionary(text, json, { maxKeys: 6 }), async (payload) => {
      const written = JSON.stringify(payload)
      const id = await insertJob(database(), 'any_payload', { payload: written })
      const job = only(await ticker.claim())
      expect(job.id).toBe(id)
      expect(job.payload).toEqual(JSON.parse(written))
    }),
    { numRuns: 150 },
  )
})

test('a payload of a megabyte survives it too', async () => {
  const ticker = await startTicker(database(), 'big_payload')
  const payload = { text: 'ü'.repeat(500_000), list: Array.from({ length: 10_000 }, (_, n) => n) }
  await insertJob(database(), 'big_payload', { payload })
  expect(only(await ticker.claim()).payload).toEqual(payload)
})
