// Writes the newest results into docs/performance.md, between the markers <!-- bench:NAME --> and
// <!-- /bench:NAME -->, and their charts beside it. Where that file does not exist, into bench/out. Runs of
// some cells alone count for the table of ratios only.
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tell } from './lib/bench.ts'
import { REPOSITORY } from './lib/contender.ts'
import { type Result, resultsOf } from './lib/results.ts'
import { chartOf } from './report/charts.ts'
import { sectionOf, setupOf } from './report/markdown.ts'
import { ratiosOf } from './report/ratios.ts'
import { SCENARIOS } from './scenarios/index.ts'

const DOCUMENT = join(REPOSITORY, 'docs/performance.md')
const OUT = join(import.meta.dirname, 'out')

/** Replaces what is between the markers of a name; undefined if the text has none. */
function replaced(text: string, name: string, section: string): string | undefined {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) return undefined
  return `${text.slice(0, from + begin.length)}\n\n${section}\n\n${text.slice(to)}`
}

/** Whether it has all cells of its scenario. */
function isWhole({ command }: Result): boolean {
  return !command.includes(' --cells ')
}

/** The document with empty sections for everything there is. */
function draft(names: readonly string[]): string {
  const section = (name: string): string =>
    `## ${name}\n\n<!-- bench:${name} -->\n<!-- /bench:${name} -->\n`
  return ['# Performance\n', ...names.map(section)].join('\n')
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick')
  const found = await Promise.all(SCENARIOS.map(({ name }) => resultsOf(name, quick)))
  const results = found.flatMap((ofOne) => ofOne.findLast(isWhole) ?? ofOne.at(-1) ?? [])
  const isDraft = !existsSync(DOCUMENT)
  const document = isDraft ? join(OUT, 'performance.md') : DOCUMENT
  const chartDir = join(document, '../performance')
  await mkdir(chartDir, { recursive: true })

  let text = isDraft
    ? draft(['ratios', 'setup', ...results.map(({ scenario }) => scenario)])
    : await readFile(DOCUMENT, 'utf8')
  text = replaced(text, 'ratios', ratiosOf(found.flat())) ?? text
  text = replaced(text, 'setup', setupOf(results)) ?? text
  for (const result of results) {
    const chart = `performance/${result.scenario}.svg`
    const next = replaced(text, result.scenario, sectionOf(result, [chart]))
    if (next === undefined) {
      tell(`${document} has no marker <!-- bench:${result.scenario} -->`)
      continue
    }
    text = next
    await writeFile(join(chartDir, `${result.scenario}.svg`), await chartOf(result))
  }
  await writeFile(document, text)
  tell(`written to ${document}`)
}

await main()
