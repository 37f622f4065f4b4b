import { z } from 'zod'
import { paint, print, printTable } from '../output.ts'

interface City {
  readonly name: string
  readonly country: string
  readonly population: number
}

interface Extreme extends City {
  readonly latitude: number
}

interface Country {
  readonly country: string
  readonly cities: number
  readonly population: number
}

/** What the executor city_report returns. */
export interface Report {
  readonly cities: number
  readonly countries: number
  readonly population: number
  readonly largest: readonly City[]
  readonly northernmost: Extreme | null
  readonly southernmost: Extreme | null
  readonly by_country: readonly Country[]
}

const city = z.object({ name: z.string(), country: z.string(), population: z.int() })
const extreme = city.extend({ latitude: z.number() }).nullable()

const reportSchema = z.object({
  cities: z.int(),
  countries: z.int(),
  population: z.int(),
  largest: z.array(city),
  northernmost: extreme,
  southernmost: extreme,
  by_country: z.array(z.object({ country: z.string(), cities: z.int(), population: z.int() })),
})

export function parseReport(value: unknown): Report {
  return reportSchema.parse(value)
}

/** Prints a report as tables. */
export function printReport(report: Report): void {
  print(
    `${number(report.cities)} cities in ${number(report.countries)} countries, ` +
      `${number(report.population)} people live in them`,
  )
  for (const [name, place] of [
    ['northernmost', report.northernmost],
    ['southernmost', report.southernmost],
  ] as const) {
    if (place === null) continue
    const latitude = `${Math.abs(place.latitude).toFixed(2)}° ${place.latitude < 0 ? 'S' : 'N'}`
    print(`${name}: ${place.name}, ${countryName(place.country)}, ${latitude}`)
  }
  print('')
  print(paint('bold', 'Largest cities'))
  printTable(
    [
      { title: 'city', value: (row) => row.name },
      { title: 'country', value: (row) => countryName(row.country) },
      { title: 'people', value: (row) => number(row.population), align: 'right' },
    ],
    report.largest,
  )
  print('')
  print(paint('bold', 'Countries with most cities'))
  printTable(
    [
      { title: 'country', value: (row) => countryName(row.country) },
      { title: 'cities', value: (row) => number(row.cities), align: 'right' },
      { title: 'people', value: (row) => number(row.population), align: 'right' },
    ],
    report.by_country,
  )
}

export function number(value: number): string {
  return value.toLocaleString('en')
}

const regions = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' })

/** GeoNames has ISO 3166 codes; one that is not known, or no code at all, stays as it is. */
function countryName(code: string): string {
  try {
    return regions.of(code) ?? code
  } catch {
    return code
  }
}
