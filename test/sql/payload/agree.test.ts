import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { exportPayloadSchema } from '../../../src/payload-schema.ts'
import { useDatabase } from '../../support/database.ts'
import { openCompiler } from '../../support/schema.ts'
import { parse, samples, valuesOf } from '../../support/zod-schema.ts'

const database = useDatabase()

/** How many schemas are tried; 10,000 take half an hour. */
const SCHEMAS = Number(process.env['JOBTABLE_TEST_SCHEMAS'] ?? 300)
const SEED = Number(process.env['JOBTABLE_TEST_SEED'] ?? Date.now() % 2 ** 31)
const VALUES_A_SCHEMA = 8

/** Drawn at once: what fast-check draws in one go grows more complex with its number. */
const BATCH = 100

/** Compiling a schema and asking it takes some 30 ms; a loaded machine may take ten times as long. */
const TIMEOUT_MS = SCHEMAS * 1_000

/** A disagreement is told as it is, without looking for a smaller one. */
const MOST_TOLD = 10

const cases = samples.chain((sample) =>
  fc.tuple(
    fc.constant(sample.schema),
    fc.array(valuesOf(sample), { minLength: VALUES_A_SCHEMA, maxLength: VALUES_A_SCHEMA }),
  ),
)

interface Tally {
  schemas: number
  decided: number
  values: number
  fitting: number
  wrong: string[]
}

test(
  'SQL and zod agree on every value of every schema that is decidable',
  async () => {
    const tally: Tally = { schemas: 0, decided: 0, values: 0, fitting: 0, wrong: [] }
    for (let seed = SEED; tally.schemas < SCHEMAS; seed += 1) {
      const numRuns = Math.min(BATCH, SCHEMAS - tally.schemas)
      await compare(fc.sample(cases, { numRuns, seed }), tally)
    }
    process.stdout.write(
      `seed ${SEED}: ${tally.schemas} schemas, ${tally.decided} of them decidable; ` +
        `${tally.values} values, ${tally.fitting} of them fit\n`,
    )
    expect(tally.wrong.slice(0, MOST_TOLD), `${tally.wrong.length} disagree`).toEqual([])
    expect(tally.decided).toBeGreaterThan(tally.schemas / 2)
    expect(tally.fitting).toBeGreaterThan(tally.values / 4)
  },
  TIMEOUT_MS,
)

async function compare(
  batch: readonly (readonly [z.ZodType, readonly unknown[]])[],
  tally: Tally,
): Promise<void> {
  await using compiler = await openCompiler(database())
  for (const [schema, values] of batch) {
    const exported = exportPayloadSchema(schema)
    const compiled = await compiler.compile(exported)
    tally.schemas += 1
    if (compiled === undefined) {
      tally.wrong.push(`refused: ${JSON.stringify(exported)}`)
      continue
    }
    const isDecided = compiled.undecided.length === 0
    if (isDecided) tally.decided += 1
    for (const value of values) {
      const json = JSON.stringify(value ?? null)
      const parsed = parse(schema, json)
      const filled = await compiled.fillText(json)
      const { fits, faults } = await compiled.checkText(filled)
      const afterwards = parsed.success ? parse(schema, filled) : parsed
      tally.values += 1
      if (fits) tally.fitting += 1
      const fault = [
        (faults.length === 0) !== fits ? `told otherwise than decided (${fits})` : '',
        (isDecided || parsed.success) && fits !== parsed.success
          ? `zod says ${parsed.success}`
          : '',
        isDeepStrictEqual(afterwards.data, parsed.data) ? '' : `filled ${filled}`,
      ].find((text) => text !== '')
      if (fault !== undefined) {
        const about = JSON.stringify({ exported, faults, issues: parsed.error?.issues[0]?.message })
        tally.wrong.push(`${fault}: ${json} by ${about}`)
      }
    }
  }
}
