import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { literally } from '../../scripts/tutorial/steps.ts'
import { registerType } from '../../src/queries/registration.ts'
import { createDatabase, type Database, useDatabase } from '../support/database.ts'
import { addTypes, insertJob } from '../support/job.ts'
import { isRequired } from '../support/required.ts'
import { useRoles } from '../support/roles.ts'
import { insertJobIn, startTicker } from '../support/ticker.ts'
import { connectionVariables } from './clients.ts'

// The sessions of psql that a document shows, in blocks ```text psql=SCENE. What is typed stands after
// `shop=>`, or `shop->` where it goes on; the rest is what psql answers, `…` stands for anything.

const isolated = useDatabase()
const roles = useRoles(isolated)

const DOCUMENT = fileURLToPath(new URL('../../docs/sql-clients.md', import.meta.url))

const BLOCK = /^```text psql=(\w+)\n([\s\S]*?)^```$/gm
const PROMPT = /^shop(?:=>|->) /

/** What is there before a session begins; answers the variables with which psql connects. */
const SCENES: Readonly<Record<string, (database: Database) => Promise<Record<string, string>>>> = {
  /** Job 1, of type count_words, has started. */
  refusals: async (database) => {
    const ticker = await startTicker(database, 'count_words')
    await insertJobIn(database, ticker, 'started', 'count_words')
    return connectionVariables(database.url)
  },
  /** Type import_csv has a schema: a path is required, and a limit is an integer of at most 10. */
  payloads: async (database) => {
    await registerType(
      database.pool,
      'import_csv',
      {},
      {
        properties: { path: { type: 'string' }, limit: { type: 'integer', maximum: 10 } },
        required: ['path'],
      },
    )
    return connectionVariables(database.url)
  },
  /** Owners are kept apart; job 1 is another's, and each has a quota of three unfinished jobs. */
  owners: async () => {
    await addTypes(isolated(), 'count_words')
    await insertJob(isolated(), 'count_words', { owner: 'ada' })
    await isolated().query("insert into jobtable.owner_quota values ('*', 3)")
    return connectionVariables(roles().url(await roles().login('grace', 'submitter')))
  },
}

interface Exchange {
  typed: string
  answer: string
}

function exchangesOf(session: string): Exchange[] {
  const exchanges: Exchange[] = []
  for (const line of session.split('\n')) {
    if (line.startsWith('shop=> ')) exchanges.push({ typed: '', answer: '' })
    const last = exchanges.at(-1)
    if (last === undefined) throw new Error(`a session begins with a prompt, not with: ${line}`)
    last[PROMPT.test(line) ? 'typed' : 'answer'] += `${line.replace(PROMPT, '')}\n`
  }
  return exchanges
}

/** Types it all in one session; the answers are parted by a mark in either output. */
function answersOf(exchanges: readonly Exchange[], environment: Record<string, string>): string[] {
  const mark = 'end of an answer'
  const { stdout, stderr } = spawnSync('psql', ['--no-psqlrc'], {
    input: exchanges.map(({ typed }) => `${typed}\\echo ${mark}\n\\warn ${mark}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, ...environment, LC_ALL: 'C.UTF-8' },
  })
  const complaints = stderr.split(`${mark}\n`)
  return stdout.split(`${mark}\n`).map((answer, index) => answer + (complaints[index] ?? ''))
}

/** Without the blanks and empty lines by which psql makes tables pretty. */
function plain(text: string): string {
  const lines = text.split('\n').map((line) => line.replaceAll(/\s+/g, ' ').trim())
  return lines.filter((line) => line !== '').join('\n')
}

const sessions = Array.from(
  readFileSync(DOCUMENT, 'utf8').matchAll(BLOCK),
  ([, scene = '', text = '']) => ({ scene, text: text.trimEnd() }),
)
const isInstalled = spawnSync('psql', ['--version']).status === 0

test('every scene has a session', () => {
  expect(sessions.map(({ scene }) => scene).toSorted()).toEqual(Object.keys(SCENES).toSorted())
})

test.skipIf(!isInstalled && !isRequired('psql')).each(sessions)(
  'the session $scene goes as it is written',
  async ({ scene, text }) => {
    await using database = await createDatabase()
    const environment = await SCENES[scene]?.(database)
    const exchanges = exchangesOf(text)
    const answers = answersOf(exchanges, environment ?? {})
    for (const [index, { typed, answer }] of exchanges.entries()) {
      const pattern = plain(answer).split('…').map(literally).join('[\\s\\S]*')
      expect({ typed, answer: plain(answers[index] ?? '') }).toEqual({
        typed,
        answer: expect.stringMatching(new RegExp(`^${pattern}$`)),
      })
    }
  },
)
