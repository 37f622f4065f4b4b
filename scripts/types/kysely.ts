import type { Enumeration } from '../reference/catalog.ts'
import { docstring, orElse, pascalCase } from './column-type.ts'
import { NOTICE } from './job.ts'
import type { ColumnShape, Shape } from './shape.ts'

/** The interface of the database for Kysely, as src/types/kysely.ts. */
export function renderKysely(
  shapes: readonly Shape[],
  enumerations: readonly Enumeration[],
): string {
  const names = enumerations.map(({ name }) => pascalCase(name)).join(', ')
  return [
    NOTICE,
    [
      `import type { ColumnType } from 'kysely'`,
      `import type { Id } from '../database.ts'`,
      `import type { Interval } from './interval.ts'`,
      `import type { ${names} } from './job.ts'`,
    ].join('\n'),
    [
      '/** Tables and views of jobtable; intersect it with the interface of your own. */',
      'export interface Database {',
      ...shapes.map(({ name }) => `  'jobtable.${name}': ${pascalCase(name)}`),
      '}',
    ].join('\n'),
    ...shapes.map(table),
  ].join('\n\n')
}

function table({ name, comment, columns }: Shape): string {
  return [
    ...docstring(comment),
    `export interface ${pascalCase(name)} {`,
    ...columns.flatMap((column) => [
      ...docstring(column.comment),
      `  ${column.name}: ${columnType(column)}`,
    ]),
    '}',
  ].join('\n')
}

/** What SELECT gives, INSERT takes, and UPDATE takes. */
function columnType(column: ColumnShape): string {
  const selected = orElse(column, column.required ? [] : ['null'])
  const inserted = {
    required: orElse(column, []),
    optional: orElse(column, column.takesNull ? ['null', 'undefined'] : ['undefined']),
    refused: 'never',
  }[column.insert]
  const updated = column.update === 'allowed' ? selected : 'never'
  if (inserted === selected && updated === selected) return selected
  return `ColumnType<${selected}, ${inserted}, ${updated}>`
}
