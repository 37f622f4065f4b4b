import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runDocument } from '../../scripts/tutorial/run.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { sqlStates } from '../../src/errors.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const README_LINES = 250
const TUTORIAL_TIMEOUT_MS = 300_000

interface Document {
  /** From the project's root. */
  readonly path: string
  readonly text: string
}

async function documents(): Promise<Document[]> {
  const below = await readdir(join(PROJECT, 'docs'), { recursive: true })
  const paths = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'sql/README.md',
    ...below.map((name) => join('docs', name)),
  ].filter((path) => path.endsWith('.md'))
  return Promise.all(paths.map(async (path) => ({ path, text: await textOf(path) })))
}

async function textOf(path: string): Promise<string> {
  return await readFile(join(PROJECT, path), 'utf8')
}

/** Matches of a pattern in all documents, as `path: first group` and the groups. */
async function mentions(pattern: RegExp): Promise<{ where: string; groups: string[] }[]> {
  return (await documents()).flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(([, ...groups]) => ({
      where: `${path}: ${groups[0]}`,
      groups,
    })),
  )
}

test('the README is short', async () => {
  expect((await textOf('README.md')).split('\n').length).toBeLessThan(README_LINES)
})

test('every SQLSTATE is in the reference', async () => {
  const reference = await textOf('docs/reference.md')
  expect(sqlStates.filter(({ code }) => !reference.includes(`\`${code}\``))).toEqual([])
})

describe('what the documents name is there', () => {
  test('links', async () => {
    const broken: string[] = []
    for (const { path, text } of await documents()) {
      for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const [file = '', anchor] = target.split('#')
        const found = file === '' ? path : relative(PROJECT, resolve(PROJECT, dirname(path), file))
        const fits =
          existsSync(join(PROJECT, found)) &&
          (anchor === undefined || anchorsOf(await textOf(found)).includes(anchor))
        if (!fits) broken.push(`${path}: ${target}`)
      }
    }
    expect(broken).toEqual([])
  })

  test('commands', async () => {
    const commands = new Set(buildProgram().commands.map((command) => command.name()))
    const named = await mentions(COMMAND)
    expect(named.length).toBeGreaterThan(commands.size)
    const unknown = named.filter(({ groups }) => !commands.has(groups[0] ?? ''))
    expect(unknown.map(({ where }) => where)).toEqual([])
  })

  test('options of commands', async () => {
    const commands = new Map(buildProgram().commands.map((command) => [command.name(), command]))
    const unknown = (await mentions(COMMAND)).flatMap(({ where, groups: [name = '', rest = ''] }) =>
      [...rest.matchAll(/(?<=\s)--[a-z][a-z-]*/g)]
        .map(([option]) => option)
        .filter((option) => !optionsOf(commands.get(name)).includes(option))
        .map((option) => `${where} ${option}`),
    )
    expect(unknown).toEqual([])
  })

  test('options alone', async () => {
    const known = new Set(buildProgram().commands.flatMap(optionsOf))
    const named = (await mentions(/`(--[a-z][a-z-]*)/g)).filter(({ where }) =>
      /^(?:README|docs)/.test(where),
    )
    const unknown = named.filter(({ groups: [option = ''] }) => !known.has(option))
    expect(unknown.map(({ where }) => where)).toEqual(['docs/executors.md: --halt-when-empty'])
  })

  test('npm scripts', async () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await textOf('package.json')))
    const named = await mentions(/\bnpm run (?:-s )?([a-z:]+)/g)
    const unknown = named.filter(({ groups: [name = ''] }) => !(name in scripts))
    expect(unknown.map(({ where }) => where)).toEqual([])
  })
})

test('code that is said to be of a file is there, paragraph by paragraph', async () => {
  const strange: string[] = []
  const blocks = await mentions(/^```\w+ from=(\S+)\n([\s\S]*?)^```$/gm)
  for (const {
    where,
    groups: [path = '', block = ''],
  } of blocks) {
    const source = asUsers(await textOf(path))
    const missing = asUsers(block)
      .split('\n\n')
      .filter((paragraph) => !source.includes(paragraph.trim()))
    strange.push(...missing.map((paragraph) => `${where}: ${paragraph}`))
  }
  expect(blocks.length).toBeGreaterThan(0)
  expect(strange).toEqual([])
})

test(
  'the tutorial goes as it is written',
  async () => {
    expect(await runDocument(join(PROJECT, 'docs/tutorial.md'))).toBeGreaterThan(30)
  },
  TUTORIAL_TIMEOUT_MS,
)

/** `jobtable NAME …` where it is a command line: in code, or in a block of the shell. */
const COMMAND = /(?:^|`|\$\()(?:npm run -s )?jobtable (?:-- )?([a-z]+)([^`\n]*)/gm

function optionsOf(command: Command | undefined): string[] {
  const own = (command?.options ?? []).flatMap(({ long }) => long ?? [])
  return [...own, '--help', '--data', '--database-url']
}

/** The names that a heading of the text has on the web. */
function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Code as it would stand in a file of a user's: without indentation, importing the package. */
function asUsers(code: string): string {
  return code
    .replaceAll(/^[ \t]+/gm, '')
    .replaceAll(/'[./]+src\/types\/(kysely|drizzle)\.ts'/g, "'jobtable/$1'")
    .replaceAll(/'[./]+src\/(?:index|types\/job)\.ts'/g, "'jobtable'")
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '')
}
