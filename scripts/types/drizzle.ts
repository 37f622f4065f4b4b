import type { Enumeration } from '../reference/catalog.ts'
import { camelCase, docstring, typeOf } from './column-type.ts'
import { NOTICE } from './job.ts'
import type { ColumnShape, Shape } from './shape.ts'

/** Builders that are made here, out of those of Drizzle. */
const OWN = `
const jobtable = pgSchema('jobtable')

/** Marks a column that the database fills; an INSERT without it says DEFAULT. */
const byDatabase = sql\`default\`

/** A bigint as decimal text, never a float. */
const bigintText = customType<{ data: string; driverData: string }>({ dataType: () => 'bigint' })

const timestamptz = (name: string) => timestamp(name, { withTimezone: true })`.trim()

const PROVIDED: ReadonlySet<string> = new Set(['bigintText', 'timestamptz'])

/** The definitions of tables and views for Drizzle, as src/types/drizzle.ts. */
export function renderDrizzle(
  shapes: readonly Shape[],
  enumerations: readonly Enumeration[],
): string {
  const enums = enumerations.map(({ name }) => camelCase(name))
  const builders = new Set(shapes.flatMap(({ columns }) => columns.map(builderOf)))
  const imported = [...builders].filter((name) => !PROVIDED.has(name) && !enums.includes(name))
  return [
    NOTICE,
    [
      `import { sql } from 'drizzle-orm'`,
      `import { ${['customType', 'pgSchema', 'primaryKey', 'timestamp', ...imported].toSorted().join(', ')} } from 'drizzle-orm/pg-core'`,
    ].join('\n'),
    OWN,
    ...enumerations.map(enumeration),
    ...shapes.map((shape) => (shape.kind === 'table' ? table(shape) : view(shape))),
  ].join('\n\n')
}

function enumeration({ name, values, comment }: Enumeration): string {
  const list = values.map((value) => `'${value}'`).join(', ')
  return [
    ...docstring(comment),
    `export const ${camelCase(name)} = jobtable.enum('${name}', [${list}])`,
  ].join('\n')
}

function table({ name, comment, columns, primaryKey }: Shape): string {
  const isComposed = primaryKey.length > 1
  const keys = primaryKey.map((column) => `table.${column}`).join(', ')
  return [
    ...docstring(comment),
    `export const ${camelCase(name)} = jobtable.table('${name}', {`,
    ...columns.flatMap((column) => [
      ...docstring(column.comment),
      `  ${column.name}: ${definition(column, !isComposed && primaryKey.includes(column.name))},`,
    ]),
    isComposed ? `}, (table) => [primaryKey({ columns: [${keys}] })])` : '})',
  ].join('\n')
}

function view({ name, comment, columns }: Shape): string {
  return [
    ...docstring(comment),
    `export const ${camelCase(name)} = jobtable.view('${name}', {`,
    ...columns.flatMap((column) => [
      ...docstring(column.comment),
      `  ${column.name}: ${definition(column, false)},`,
    ]),
    '}).existing()',
  ].join('\n')
}

function definition(column: ColumnShape, isKey: boolean): string {
  return [
    `${builderOf(column)}('${column.name}')`,
    column.type.endsWith('[]') ? '.array()' : '',
    isKey ? '.primaryKey()' : '',
    column.required ? '.notNull()' : '',
    column.default !== null || column.origin !== 'given' ? '.default(byDatabase)' : '',
  ].join('')
}

function builderOf(column: ColumnShape): string {
  return typeOf(column).drizzle
}
