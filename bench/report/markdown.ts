import { type Result, roundsOf, treesOf } from '../lib/results.ts'
import { markdown, tableOf } from '../lib/table.ts'

/** The table of a scenario, with what it was measured by. */
export function sectionOf(result: Result, charts: readonly string[]): string {
  return [
    markdown(tableOf(result)),
    `Medians of ${roundsOf(result)} interleaved rounds (min..max). ${result.date.slice(0, 10)}, ` +
      `commit ${treesOf(result)}, ${versionsOf(result)}${result.quick ? '; a quick run: not to be cited' : ''}.`,
    `\`npm run bench -- ${result.command}\`${settingsHere(result)}`,
    ...charts.map((path) => `![${result.scenario}: ${result.purpose}](${path})`),
    ...result.faults.map((fault) => `- ${fault}`),
  ].join('\n\n')
}

/** The settings that contenders have in this scenario alone. */
function settingsHere({ runs }: Result): string {
  const own = new Map(
    runs.flatMap(({ contender, settings }) =>
      settings === undefined ? [] : [[contender, settings]],
    ),
  )
  const told = Array.from(own, ([label, settings]) => `${label} \`${JSON.stringify(settings)}\``)
  return told.length === 0 ? '' : `, with the settings ${told.join(', ')}`
}

/** What all scenarios have been measured on and with; of settings, each contender's newest. */
export function setupOf(results: readonly Result[]): string {
  const byDate = results.toSorted((a, b) => a.date.localeCompare(b.date))
  const newest = byDate.at(-1)
  if (newest === undefined) return ''
  const { cpu, cores, memoryGb, kernel, disk } = newest.machine
  const contenders = new Map(
    byDate.flatMap((result) => result.contenders.map((contender) => [contender.label, contender])),
  )
  const settings = Object.entries(newest.postgres).map(([name, value]) => `${name} = ${value}`)
  return [
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${kernel}, data on ${disk}. ${versionsOf(newest)}.`,
    `PostgreSQL's settings: ${settings.map((setting) => `\`${setting}\``).join(', ')}.`,
    `Redis's: ${Object.entries(byDate.findLast(({ redis }) => redis !== undefined)?.redis ?? {})
      .map(([name, value]) => `\`${name} ${value}\``)
      .join(', ')}.`,
    [
      '| system | settings | source |',
      '| --- | --- | --- |',
      ...[...contenders.values()].map(
        ({ label, settings, source }) =>
          `| ${label} | \`${JSON.stringify(settings)}\` | ${source} |`,
      ),
    ].join('\n'),
  ].join('\n\n')
}

function versionsOf({ versions }: Result): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}
