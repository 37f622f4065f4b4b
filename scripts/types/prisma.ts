import type { Enumeration } from '../reference/catalog.ts'
import { pascalCase, summary, typeOf } from './column-type.ts'
import { NOTICE } from './job.ts'
import type { ColumnShape, Shape } from './shape.ts'

/** Models, views and enumerations for a Prisma schema, as prisma/jobtable.prisma. */
export function renderPrisma(
  shapes: readonly Shape[],
  enumerations: readonly Enumeration[],
): string {
  const text = [NOTICE, ...enumerations.map(enumeration), ...shapes.map(model)].join('\n\n')
  return `${text}\n`
}

function enumeration({ name, values, comment }: Enumeration): string {
  return block('enum', name, comment, values)
}

function model({ kind, name, comment, columns, primaryKey }: Shape): string {
  const isComposed = primaryKey.length > 1
  const fields = columns.flatMap((column) =>
    field(column, !isComposed && primaryKey.includes(column.name)),
  )
  const key = isComposed ? ['', `@@id([${primaryKey.join(', ')}])`] : []
  return block(kind === 'table' ? 'model' : 'view', name, comment, [...fields, ...key])
}

function block(
  keyword: string,
  name: string,
  comment: string | null,
  members: readonly string[],
): string {
  return [
    ...documentation(comment),
    `${keyword} ${pascalCase(name)} {`,
    ...[...members, '', `@@map("${name}")`, '@@schema("jobtable")'].map((line) =>
      line === '' ? '' : `  ${line}`,
    ),
    '}',
  ].join('\n')
}

/** Nothing for a column of a type that Prisma does not have. */
function field(column: ColumnShape, isKey: boolean): string[] {
  const { prisma } = typeOf(column)
  if (prisma === undefined) return []
  const [type = '', ...attributes] = prisma.split(' ')
  const isOptional = !column.required && !type.endsWith('[]')
  const isDefaulted = column.default !== null || column.origin !== 'given'
  return [
    ...documentation(column.comment),
    [
      column.name,
      isOptional ? `${type}?` : type,
      ...attributes,
      ...(isKey ? ['@id'] : []),
      ...(isDefaulted ? ['@default(dbgenerated())'] : []),
    ].join(' '),
  ]
}

function documentation(comment: string | null): string[] {
  return comment === null ? [] : [`/// ${summary(comment)}`]
}
