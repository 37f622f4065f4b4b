import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

// Dependencies point one way: sql ← queries ← client and the worker's services ← worker ← cli.

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** The parts of a worker that live as long as it does, and what only they use. */
const SERVICES = [
  'completer',
  'dispatcher',
  'facet',
  'heartbeat',
  'loader',
  'maintenance',
  'notifier',
  'process',
  'registry',
  'scheduler',
  'tally',
]

/** The nouns of src/ that a noun must not reach, be it through others. */
const UNREACHABLE: Readonly<Record<string, readonly string[]>> = {
  queries: [...SERVICES, 'client', 'worker', 'cli', 'embedded', 'migrate'],
  migrate: [...SERVICES, 'client', 'worker', 'cli', 'embedded'],
  embedded: [...SERVICES, 'client', 'worker', 'cli', 'migrate', 'queries'],
  client: [...SERVICES, 'worker', 'cli', 'embedded'],
  worker: ['client', 'cli', 'embedded'],
  ...Object.fromEntries(
    SERVICES.map((name) => [name, ['client', 'worker', 'cli', 'embedded', 'migrate']]),
  ),
}

/**
 * Who may hold SQL: the queue's statements, its installer, the making of the embedded database, and the
 * demo, which types what any client could.
 */
const SQL_HOLDERS =
  /^src\/(queries\/|migrate(\.ts$|\/)|embedded\/cluster\.ts$|cli\/demo\/statements\.ts$)/

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/g
const QUERY = /\.query(?:<[^()]*>)?\(\s*['"`](?!(?:begin|commit|rollback|savepoint)\b)/
const STATEMENT = /`\s*(?:select|insert into|update|delete from|with)\s[^`]*\n/

interface SourceFile {
  /** From the project's root, e.g. `src/cli/main.ts`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name)
      const text = withoutComments(readFileSync(join(PROJECT, path), 'utf8'))
      const imports = [...text.matchAll(IMPORT)].map(([, from, dynamic]) => from ?? dynamic ?? '')
      return { path, text, imports }
    })
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}

/** The project's file that a relative import of `file` names. */
function target(file: SourceFile, specifier: string): string {
  return relative(PROJECT, resolve(PROJECT, file.path, '..', specifier))
}

/** `src/cli/main.ts` and `src/cli.ts` are both of the noun `cli`. */
function nounOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? ''
}

const source = sourceFiles('src')

const dependencies = new Map<string, Set<string>>()
for (const file of source) {
  const noun = nounOf(file.path)
  const used = dependencies.get(noun) ?? new Set()
  for (const specifier of file.imports.filter((name) => name.startsWith('.'))) {
    used.add(nounOf(target(file, specifier)))
  }
  dependencies.set(noun, used)
}

function reachableFrom(noun: string): Set<string> {
  const reached = new Set<string>()
  const waiting = [noun]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const used of dependencies.get(next) ?? []) {
      if (used === noun || reached.has(used)) continue
      reached.add(used)
      waiting.push(used)
    }
  }
  return reached
}

describe('dependencies point one way', () => {
  test.each(Object.entries(UNREACHABLE))('%s', (noun, unreachable) => {
    const reached = reachableFrom(noun)
    expect(unreachable.filter((name) => reached.has(name))).toEqual([])
  })

  test('nothing in src/ imports the package’s own front, nor the command line but itself', () => {
    const offenders = source.filter((file) =>
      file.imports
        .filter((name) => name.startsWith('.'))
        .map((name) => nounOf(target(file, name)))
        .some((noun) => noun === 'index' || (noun === 'cli' && nounOf(file.path) !== 'cli')),
    )
    expect(offenders.map(({ path }) => path)).toEqual([])
  })

  test('relative imports stay inside src/ and name the file', () => {
    const offenders = source.flatMap((file) =>
      file.imports
        .filter((name) => name.startsWith('.'))
        .filter((name) => !name.endsWith('.ts') || !target(file, name).startsWith('src/'))
        .map((name) => `${file.path}: ${name}`),
    )
    expect(offenders).toEqual([])
  })
})

test('only the notifier imports pg-listen', () => {
  const users = source.filter(({ imports }) => imports.includes('pg-listen'))
  expect(users.map(({ path }) => path).filter((path) => path !== 'src/notifier.ts')).toEqual([])
})

test('only the queries, the installer, the embedded database and the demo hold SQL', () => {
  const holders = source.filter(
    ({ path, text }) => !SQL_HOLDERS.test(path) && (QUERY.test(text) || STATEMENT.test(text)),
  )
  expect(holders.map(({ path }) => path)).toEqual([])
})

test('executors import only what an executor of anybody could, and what they share', () => {
  const offenders = sourceFiles('executors').flatMap((file) =>
    file.imports
      .filter((name) => /^[./]|^jobtable\//.test(name) && !/^\.\/_\w+\.ts$/.test(name))
      .map((name) => `${file.path}: ${name}`),
  )
  expect(offenders).toEqual([])
})
