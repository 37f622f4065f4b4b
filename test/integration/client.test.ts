import { beforeAll, describe, expect, test } from 'vitest'
import { cancel, resubmit, submit, waitFor } from '../../src/client.ts'
import { defineExecutor } from '../../src/executor.ts'
import { useDatabase } from '../support/database.ts'
import { addTypes, readJob, statusOf } from '../support/job.ts'
import { cleanUpAfterEach, startWorker } from '../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

beforeAll(async () => await addTypes(database(), 'double', 'held'))

const double = defineExecutor({
  type: 'double',
  execute: ({ payload }) => {
    if (typeof payload['n'] !== 'number') throw new TypeError('n is no number')
    return payload['n'] * 2
  },
})

describe('submit', () => {
  test('inserts the row that SQL would have', async () => {
    const id = await submit(database().pool, {
      type: 'held',
      payload: { text: 'a\0b' },
      runAt: new Date('2099-01-01T00:00:00Z'),
      properties: { p: 1 },
      title: null,
    })
    expect(await readJob(database(), id)).toMatchObject({
      payload: { text: 'ab' },
      run_at: new Date('2099-01-01T00:00:00Z'),
      properties: { p: 1 },
      title: null,
      priority: null,
    })
  })

  test('happens with the transaction it is in', async () => {
    const client = await database().pool.connect()
    try {
      await client.query('begin')
      const id = await submit(client, { type: 'held' })
      await client.query('rollback')
      expect(await statusOf(database(), id)).toBeUndefined()
    } finally {
      client.release()
    }
  })

  test.each([
    [{ type: 'nothing' }, 'JT001'],
    [{ type: 'held', priority: 1e6 }, '22003'],
  ])('%j is refused as %s', async (job, code) => {
    await expect(submit(database().pool, job)).rejects.toMatchObject({ code })
  })

  test('a held key is a refusal that names it', async () => {
    await submit(database().pool, { type: 'held', key: 'k' })
    await expect(submit(database().pool, { type: 'held', key: 'k' })).rejects.toMatchObject({
      name: 'RefusedError',
      code: '23505',
      message: 'another unfinished job of type "held" holds the key "k"',
      detail: expect.stringContaining('already exists') as string,
    })
  })
})

describe('cancel and resubmit', () => {
  test('are refused by code', async () => {
    const id = await submit(database().pool, { type: 'held' })
    await expect(resubmit(database().pool, id)).rejects.toMatchObject({ code: 'JT005' })
    expect(await cancel(database().pool, id)).toBe('deleted')
    await expect(cancel(database().pool, id)).rejects.toMatchObject({
      name: 'RefusedError',
      code: 'JT015',
    })
  })
})

describe('waitFor', () => {
  test('answers how a job ended, and tells what it saw', async () => {
    const id = await submit(database().pool, { type: 'double', payload: { n: 21 } })
    const seen: string[] = []
    const waiting = waitFor(database().pool, id, {
      onLook: ({ status }, changed) => {
        if (changed) seen.push(status)
      },
    })
    await startWorker(database(), { executors: [double] })
    expect(await waiting).toMatchObject({ id, status: 'completed', result: 42 })
    expect(seen[0]).toBe('new')
    expect(seen.at(-1)).toBe('completed')
    await resubmit(database().pool, id)
    expect(await waitFor(database().pool, id)).toMatchObject({ status: 'completed' })
  })

  test('answers a failure as a state, not as an error', async () => {
    await startWorker(database(), { executors: [double] })
    const id = await submit(database().pool, { type: 'double' })
    expect(await waitFor(database().pool, id)).toMatchObject({
      status: 'failed',
      error_name: 'TypeError',
      error_message: 'n is no number',
    })
  })

  test('ends with the signal’s reason', async () => {
    const id = await submit(database().pool, { type: 'held' })
    const signal = AbortSignal.timeout(60)
    await expect(waitFor(database().pool, id, { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })

  test('rejects if the job is gone', async () => {
    const id = await submit(database().pool, { type: 'held' })
    await cancel(database().pool, id)
    await expect(waitFor(database().pool, id)).rejects.toMatchObject({ code: 'JT015' })
  })
})
