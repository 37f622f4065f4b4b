import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exportPayloadSchema } from '../../../src/payload-schema.ts'
import { copyIn } from '../../support/copy.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { addChecked } from '../../support/schema.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()

const SCHEMA = {
  type: 'object',
  properties: {
    path: { type: 'string', minLength: 1 },
    limit: { type: 'integer', minimum: 0, maximum: 10 },
    tags: { type: 'array', items: { enum: ['a', 'b'] } },
  },
  required: ['path'],
  additionalProperties: false,
}

beforeAll(async () => {
  await addTypes(database(), 'free')
  await addChecked(database(), 'checked', SCHEMA)
})

describe('a payload that does not fit', () => {
  test('is refused by JT002 with everything that is wrong, and where', async () => {
    const payload = { limit: 10.5, tags: ['a', 'c', 1], more: null }
    expect(await refusal(insertJob(database(), 'checked', { payload }))).toEqual({
      code: 'JT002',
      message: 'the payload of row 1 of 1 does not fit job type "checked"',
      detail: [
        'payload.path: expected string, found nothing',
        'payload.more: expected no such property, found null',
        'payload.tags[1]: expected one of "a", "b", found string "c"',
        'payload.tags[2]: expected one of "a", "b", found number 1',
        'payload.limit: expected an integer, found number 10.5',
        'payload.limit: expected at most 10, found number 10.5',
      ].join('\n'),
      hint: "The schema: select payload_schema from jobtable.job_type where name = 'checked'",
    })
  })

  test('is told what each shape of a union would be known by, if it is none of them', async () => {
    const payment = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('card'), number: z.string() }),
      z.object({ kind: z.literal('invoice') }),
    ])
    const schema = z.object({ payment, ref: z.union([z.string(), z.int()]) })
    await addChecked(database(), 'paid', exportPayloadSchema(schema))
    const payload = { payment: { kind: 'cash' }, ref: true }
    const { detail } = await refusal(insertJob(database(), 'paid', { payload }))
    expect(detail?.split('\n').toSorted()).toEqual([
      'payload.payment.kind: expected "card", found string "cash" (shape 1)',
      'payload.payment.kind: expected "invoice", found string "cash" (shape 2)',
      'payload.payment: expected one of 2 shapes, found an object',
      'payload.ref: expected integer, found true (shape 2)',
      'payload.ref: expected one of 2 shapes, found true',
      'payload.ref: expected string, found true (shape 1)',
    ])
  })

  test('is told the format that it should have, not the pattern of it', async () => {
    const schema = exportPayloadSchema(z.object({ to: z.email(), code: z.string().regex(/^a/) }))
    await addChecked(database(), 'mail', schema)
    const { detail } = await refusal(
      insertJob(database(), 'mail', { payload: { to: 'x', code: 'x' } }),
    )
    expect(detail?.split('\n').toSorted()).toEqual([
      'payload.code: expected a match of /^a/, found string "x"',
      'payload.to: expected a string of format "email", found string "x"',
    ])
  })

  test('is told by its row among many, and none of them is inserted', async () => {
    const insert = database().query(
      `insert into jobtable.job (type, payload)
       select case when n = 1 then 'free' else 'checked' end,
         case when n >= 3 then '{}' else '{"path": "x"}' end::jsonb
       from generate_series(1, 5) n`,
    )
    expect(await refusal(insert)).toMatchObject({
      code: 'JT002',
      message: 'the payload of row 3 of 5 does not fit job type "checked"',
      detail: 'payload.path: expected string, found nothing',
    })
    expect(await database().query('select from jobtable.job')).toEqual([])
  })

  test('is refused by COPY, too', async () => {
    await using session = await openSession(database())
    const copied = copyIn(session, 'jobtable.job (type, payload)', [
      'checked	{"path": "x"}',
      'checked	{"path": ""}',
    ])
    expect((await refusal(copied)).message).toBe(
      'the payload of row 2 of 2 does not fit job type "checked"',
    )
  })

  test('is refused for a job that is paused, or due later', async () => {
    for (const columns of [{ paused: true }, { run_at: new Date(Date.now() + 3_600_000) }]) {
      expect((await refusal(insertJob(database(), 'checked', columns))).code).toBe('JT002')
    }
  })

  test('does no harm where ON CONFLICT passes over its row', async () => {
    await insertJob(database(), 'checked', { payload: { path: 'x' }, key: 'held' })
    const rows = await database().query(
      `insert into jobtable.job (type, payload, key) values ('checked', '{}', 'held')
       on conflict do nothing returning id`,
    )
    expect(rows).toEqual([])
  })

  test('cannot be set by UPDATE either; other columns can be', async () => {
    const id = await insertJob(database(), 'checked', { payload: { path: 'x' } })
    const update = (set: string) =>
      database().query(`update jobtable.job set ${set} where id = $1`, [id])
    expect(await refusal(update(`payload = '{"path": 7}'`))).toMatchObject({
      code: 'JT002',
      message: `the payload of job ${id} does not fit job type "checked"`,
      detail: 'payload.path: expected string, found number 7',
    })
    await update(`payload = '{"path": "y"}', priority = 3`)
  })
})

describe('names that look like SQL', () => {
  const NAMES = [
    "quo'te",
    'dou"ble',
    '%s',
    '%1$I',
    '$1',
    '$$',
    '$body$',
    '/a~1b',
    'line\nfeed',
    '\\',
    "'); drop table x; --",
    '{a,b}',
    '😀',
    '__proto__',
    'value',
    'depth',
    'v_1',
    '',
  ]

  test.each(NAMES)('are names and nothing else: %j', async (name) => {
    const type = `type ${name}`
    await addChecked(database(), type, {
      type: 'object',
      properties: Object.fromEntries([
        [
          name,
          {
            type: 'object',
            properties: Object.fromEntries([[name, { const: name, default: name }]]),
          },
        ],
      ]),
      patternProperties: { '^only$': { enum: [name] } },
      required: [name],
    })
    const payload = (value: unknown) => JSON.stringify(Object.fromEntries([[name, value]]))
    const id = await insertJob(database(), type, { payload: payload({}) })
    expect(
      await database().query('select from jobtable.job where id = $1 and payload = $2', [
        id,
        payload(Object.fromEntries([[name, name]])),
      ]),
    ).toHaveLength(1)
    const { code, detail } = await refusal(
      insertJob(database(), type, {
        payload: payload({ only: 1, ...Object.fromEntries([[name, 'other']]) }),
      }),
    )
    expect({ code, detail }).toMatchObject({
      code: 'JT002',
      detail: expect.stringContaining('found string "other"'),
    })
  })
})
