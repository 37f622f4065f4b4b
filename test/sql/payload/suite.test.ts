import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { useDatabase } from '../../support/database.ts'
import { openCompiler } from '../../support/schema.ts'

const database = useDatabase()

/**
 * The suite's tests of one draft, without the optional ones: by default those of draft 4, which npm
 * carries; JSON_SCHEMA_TEST_SUITE names the folder of another draft in a copy of the suite.
 */
const FOLDER = pathToFileURL(
  `${process.env['JSON_SCHEMA_TEST_SUITE'] ?? fileURLToPath(import.meta.resolve('json-schema-test-suite/tests/draft4'))}/`,
)

/** What a schema that names no draft is of. */
const DRAFT = /draft4\/?$/.test(FOLDER.pathname)
  ? 'http://json-schema.org/draft-04/schema#'
  : 'https://json-schema.org/draft/2020-12/schema'

const Groups = z.array(
  z.object({
    description: z.string(),
    schema: z.unknown(),
    tests: z.array(z.object({ description: z.string(), data: z.unknown(), valid: z.boolean() })),
  }),
)

/** Where we do otherwise on purpose, by group and test. */
const DIFFERENCES: readonly string[] = ['ipv4', 'date', 'date-time', 'time', 'uuid'].map(
  (format) =>
    `format.json: ${format} format: invalid ${format} string is only an annotation by default`,
)

/** Of all tests of the suite, in percent; docs/payloads.md has the same figures. */
const SUPPORTED = DRAFT.includes('draft-04') ? 92 : 74

test('the official suite: what is decided is decided as it says', async () => {
  await using compiler = await openCompiler(database())
  const wrong: string[] = []
  const tally = new Map<string, { decided: number; all: number }>()
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.json')).toSorted()
  for (const file of files) {
    const groups = Groups.parse(JSON.parse(await readFile(new URL(file, FOLDER), 'utf8')))
    const count = { decided: 0, all: 0 }
    tally.set(file, count)
    for (const { description, schema, tests } of groups) {
      count.all += tests.length
      const compiled = await compiler.compile(withDraft(schema))
      if (compiled === undefined) continue
      // There, a format is a note.
      const isDecided = compiled.undecided.every(({ keyword }) => keyword === 'format')
      if (isDecided) count.decided += tests.length
      for (const { description: what, data, valid } of tests) {
        const answer = await compiled.check(data)
        // What is left to the worker must get as far as that.
        const isRight = isDecided ? answer.fits === valid : answer.fits || !valid
        const isTold = (answer.faults.length === 0) === answer.fits
        if (!isRight || !isTold) wrong.push(`${file}: ${description}: ${what}`)
      }
    }
  }
  expect(wrong.filter((name) => !DIFFERENCES.includes(name))).toEqual([])
  const sum = (pick: 'decided' | 'all'): number =>
    [...tally.values()].reduce((total, count) => total + count[pick], 0)
  const share = (100 * sum('decided')) / sum('all')
  process.stdout.write(
    [...tally]
      .filter(([, c]) => c.decided < c.all)
      .map(([file, { decided, all }]) => `${file} ${decided}/${all}\n`)
      .join(''),
  )
  process.stdout.write(
    `${DRAFT}: ${sum('decided')} of ${sum('all')} tests, ${share.toFixed(1)} %\n`,
  )
  expect(Math.round(share)).toBe(SUPPORTED)
}, 120_000)

function withDraft(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null || '$schema' in schema) return schema
  return { ...schema, $schema: DRAFT }
}
