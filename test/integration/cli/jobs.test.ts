import { beforeAll, describe, expect, test } from 'vitest'
import { registerType } from '../../../src/queries/registration.ts'
import { EXECUTORS, endCommandsAfterEach, runCli } from '../../support/cli.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, readJob, statusOf } from '../../support/job.ts'

const database = useDatabase()
endCommandsAfterEach()

const cli = async (...args: string[]) =>
  await runCli(args, { env: { JOBTABLE_DATABASE_URL: database().url } })

async function submit(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli('submit', ...args)
  if (code !== 0 || stderr !== '') throw new Error(stderr)
  return stdout.trim()
}

const runAll = async () => await cli('worker', '--executors', EXECUTORS, '--until-empty')

beforeAll(async () => void (await cli('register', '--executors', EXECUTORS)))

test('register makes the types known with their descriptions', async () => {
  const { code, stderr, stdout } = await cli('register', '--executors', EXECUTORS, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toEqual(['echo', 'fail', 'hang', 'stray'])
  const rows = await database().query(
    "select description from jobtable.job_type where name = 'echo'",
  )
  expect(rows).toEqual([{ description: 'Returns its payload.' }])
})

describe('submit', () => {
  test('prints the id, and sets what its options say', async () => {
    const payload = ['text=a=b', 'n:=3', 'list:=[1,2]']
    const people = ['--title', 'T', '--owner', 'me', '--properties', '{"p": 1}']
    const queue = ['--priority', '-5', '--key', 'k', '--paused', '--run-at', '2099-01-31T08:00Z']
    const id = await submit('echo', ...payload, ...people, ...queue)
    expect(await readJob(database(), id)).toMatchObject({
      type: 'echo',
      payload: { text: 'a=b', n: 3, list: [1, 2] },
      title: 'T',
      owner: 'me',
      priority: -5,
      key: 'k',
      paused: true,
      properties: { p: 1 },
      run_at: new Date('2099-01-31T08:00Z'),
      status: 'new',
    })
  })

  test('takes JSON and fields together, later ones winning', async () => {
    const id = await submit('echo', '{"a": 1, "b": "x=y"}', 'a:=2', '--paused')
    expect((await readJob(database(), id))?.['payload']).toEqual({ a: 2, b: 'x=y' })
  })

  test('--json prints the row of job_report', async () => {
    const { stdout } = await cli('submit', 'echo', '--paused', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      id: expect.stringMatching(/^\d+$/) as string,
      type: 'echo',
      status: 'new',
      paused: true,
      can_cancel: true,
    })
  })

  test('an unknown type: exit code 5, with message, detail, hint and code', async () => {
    const { code, stdout, stderr } = await cli('submit', 'ecko')
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toMatch(/^jobtable: unknown job type "ecko"\n {2}detail: .*\n {2}hint: .*"echo"/)
    expect(stderr).toMatch(/\n {2}code: JT001\n$/)
  })

  test('a held key: exit code 5, with the key', async () => {
    await submit('echo', '--key', 'held', '--paused')
    const { code, stderr } = await cli('submit', 'echo', '--key', 'held')
    expect(code).toBe(5)
    expect(stderr).toContain('another unfinished job of type "echo" holds the key "held"')
  })

  test.each([
    [['echo', 'n:=x'], 'the value of n is not JSON'],
    [['echo', 'word'], 'neither a JSON object nor key=value'],
    [['echo', '[1]'], 'neither a JSON object nor key=value'],
    [['echo', '--priority', 'x'], 'whole number from -32768 to 32767'],
    [['echo', '--properties', '[]'], 'must be a JSON object'],
    [[], "missing required argument 'type'"],
  ])('%j is wrong usage: exit code 2', async (args, message) => {
    const { code, stderr } = await cli('submit', ...args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})

test('each line of a detail stands below its name', async () => {
  await database().query(
    `insert into jobtable.job_type (name, payload_schema)
    values ('strict', '{"type": "object", "required": ["one", "two"]}')`,
  )
  const { stderr } = await cli('submit', 'strict')
  expect(stderr).toMatch(/^ {2}detail: .*\bone\b.*\n {4}\S.*\btwo\b.*\n {2}\S/m)
})

describe('list', () => {
  test('shows the newest first, by page, filtered', async () => {
    const ids = [await submit('hang', '--paused'), await submit('hang', '--paused')]
    const page = await cli('list', '--type', 'hang', '--status', 'new', '--limit', '1', '--json')
    expect(JSON.parse(page.stdout)).toMatchObject([{ id: ids[1], type: 'hang', status: 'new' }])
    const next = await cli('list', '--type', 'hang', '--before', ids[1] ?? '', '--json')
    expect(JSON.parse(next.stdout)).toMatchObject([{ id: ids[0] }])
    const none = await cli('list', '--owner', 'nobody')
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'no jobs\n' })
  })

  test('says of a type that there is none', async () => {
    const { code, stderr } = await cli('list', '--type', 'nope', 'echo', '--status', 'failed')
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'unknown job type "nope"\nno jobs\n' })
  })

  test('prints a table without colours where there is no terminal', async () => {
    const id = await submit('echo', '--title', 'x', '--paused')
    const { stdout } = await cli('list', '--limit', '1')
    const [head, row] = stdout.split('\n')
    expect(head).toMatch(/^ *ID {2}TYPE {2}STATUS +DONE {2}CREATED +RUN TIME {2}OWNER +DETAIL$/)
    expect(row).toMatch(new RegExp(`^ *${id} {2}echo {2}new, paused +\\d{4}-\\d\\d-\\d\\d `))
  })

  test('a status that is none: exit code 2', async () => {
    expect((await cli('list', '--status', 'done')).code).toBe(2)
  })
})

describe('show and logs', () => {
  test('a completed job with result, progress, log and a facet of one’s own', async () => {
    await database().query(`create table lines (
      job bigint primary key references jobtable.job on delete cascade, count integer)`)
    const id = await submit('echo', 'a=1')
    await runAll()
    await database().query('insert into lines values ($1, 7)', [id])
    const { stdout } = await cli('show', id, '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      report: { id, status: 'completed', result: { a: '1' }, fraction: 1, stage: 'echo' },
      attempts: [],
      facets: [{ facet: 'public.lines', row: { count: 7 } }],
      logs: [{ level: 'info', message: 'echoing', fields: { fields: 1 }, attempt: 1 }],
    })
    const text = (await cli('show', id)).stdout
    expect(text).toContain('status    completed\n')
    expect(text).toContain('facet public.lines\n')
    expect((await cli('logs', id)).stdout).toMatch(/ info {2}echoing fields=1\n$/)
    expect(JSON.parse((await cli('logs', id, '--json')).stdout)).toMatchObject({
      message: 'echoing',
    })
  })

  test('a failed job with its attempt and stack', async () => {
    const id = await submit('fail', 'message=bad luck')
    await runAll()
    const { stdout } = await cli('show', id)
    expect(stdout).toContain('error     RangeError: bad luck\n')
    expect(stdout).toMatch(/\n {2}RangeError: bad luck\n {6}at /)
  })

  test.each(['show', 'logs', 'cancel', 'resubmit'])(
    '%s of no job: exit code 5',
    async (command) => {
      const { code, stderr } = await cli(command, '999999999')
      expect(stderr).toContain('there is no job 999999999')
      expect(code).toBe(5)
    },
  )

  test('control characters of a message do not reach the terminal', async () => {
    const id = await submit('echo', '--title', 'red \u001B[31m', '--paused')
    expect((await cli('show', id)).stdout).toContain('red \\x1b[31m')
  })
})

describe('cancel and resubmit', () => {
  test('cancel deletes what has not begun, and goes on after a refusal', async () => {
    const id = await submit('echo', '--paused')
    const { code, stdout, stderr } = await cli('cancel', '999999999', id, '--json')
    expect(JSON.parse(stdout)).toEqual([{ id, done: 'deleted' }])
    expect(stderr).toContain('JT015')
    expect(code).toBe(5)
    expect(await statusOf(database(), id)).toBeUndefined()
  })

  test('resubmit runs a finished job again, and refuses an unfinished one', async () => {
    const id = await submit('fail')
    await runAll()
    expect(await cli('resubmit', id)).toMatchObject({ code: 0, stderr: `job ${id} is new again\n` })
    expect(await statusOf(database(), id)).toBe('new')
    const refused = await cli('resubmit', id)
    expect(refused.stderr).toContain('JT005')
    expect(refused.code).toBe(5)
    await cli('cancel', id)
  })
})

test('status tells a lost worker from a silent one, until it is settled', async () => {
  await database().query(
    `insert into jobtable.worker
      (host, pid, version, types, capacity, started_at, seen_at, lost_at, settled_at)
    select h.host, 1, '1', '{}', 1, now() - interval '1 h', now() - interval '1 h', h.lost_at, h.settled_at
    from (values ('silent', null::timestamptz, null::timestamptz), ('lost', now(), null),
      ('settled', now(), now())) h (host, lost_at, settled_at)`,
  )
  const { stdout } = await cli('status')
  expect(stdout).toMatch(/ silent for 1 h .* silent /)
  expect(stdout).toMatch(/ lost, its jobs were rescued +0 of 1 +lost /)
  expect(stdout).not.toMatch(/ settled /)
  await database().query("delete from jobtable.worker where host in ('silent', 'lost', 'settled')")
})

test('status counts by type, without a scan of the jobs', async () => {
  await database().query("insert into jobtable.job_type (name) values ('counted')")
  await insertJob(database(), 'counted')
  await insertJob(database(), 'counted')
  await insertJob(database(), 'counted', { run_at: '2099-01-01' })
  const { code, stdout } = await cli('status', '--json')
  expect(code).toBe(0)
  const status = JSON.parse(stdout) as { types: { type: string }[] }
  const counted = {
    type: 'counted',
    obstacles: ['no_worker'],
    overrides: [],
    waiting: 3,
    scheduled: 1,
    more_scheduled: false,
    queued: 0,
    started: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
  }
  expect(status.types.find(({ type }) => type === 'counted')).toEqual(counted)
  expect((await cli('status')).stdout).toMatch(/^counted +3 +1( +0){5} +no worker$/m)

  await registerType(database().pool, 'counted', { priority: 2 })
  await database().query(
    `update jobtable.job_type set priority = 1, paused = true where name = 'counted'`,
  )
  expect((await cli('status')).stdout).toMatch(
    /^counted .* paused; no worker; set by hand: priority$/m,
  )
})
