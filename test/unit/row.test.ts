import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineExecutor, toExecutor } from '../../src/executor.ts'
import type { Database } from '../../src/types/kysely.ts'

const countWords = defineExecutor({
  type: 'count_words',
  payload: z.object({ path: z.string() }),
  execute: ({ payload }) => payload.path.length,
})

test('an executor makes rows of its jobs', () => {
  const row = countWords.row({ path: 'a.txt' }, { priority: -10, key: 'a.txt' })
  expect(row).toEqual({
    type: 'count_words',
    payload: { path: 'a.txt' },
    priority: -10,
    key: 'a.txt',
  })
  expect(countWords.row({ path: 'b.txt' })).toEqual({
    type: 'count_words',
    payload: { path: 'b.txt' },
  })
})

test('options change neither type nor payload', () => {
  const options = { type: 'another', payload: {} }
  // @ts-expect-error -- neither is an option
  expect(countWords.row({ path: 'a.txt' }, options)).toEqual(countWords.row({ path: 'a.txt' }))
})

test('what makes rows is loaded like any executor', () => {
  expect(toExecutor(countWords)).toMatchObject({ type: 'count_words', concurrency: 100_000 })
})

test('the compiler knows the payload and the columns that a client may write', () => {
  const db = new Kysely<Database>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
  // @ts-expect-error -- a path is text
  countWords.row({ path: 7 })
  // @ts-expect-error -- only the queue writes it
  countWords.row({ path: 'a.txt' }, { attempt: 1 })
  // @ts-expect-error -- only the queue writes it
  db.insertInto('jobtable.job').values({ type: 'count_words', status: 'started' })
  // @ts-expect-error -- a float would lose digits of it
  db.selectFrom('jobtable.job').where('id', '=', 42)

  const { sql } = db
    .insertInto('jobtable.job')
    .values(countWords.row({ path: 'a.txt' }))
    .compile()
  expect(sql).toBe('insert into "jobtable"."job" ("type", "payload") values ($1, $2)')
})
