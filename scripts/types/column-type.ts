import type { Column } from '../reference/catalog.ts'

/** What a type of PostgreSQL is elsewhere. */
export interface ColumnType {
  readonly typescript: string
  /** The column's builder, without its name. */
  readonly drizzle: string
  /** Undefined where Prisma has none: it fails on views with `Unsupported`. */
  readonly prisma: string | undefined
  /** SQL for a value that no column has by default. */
  readonly sample: string
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  // Text, never a float.
  bigint: {
    typescript: 'Id',
    drizzle: 'bigintText',
    prisma: 'BigInt',
    sample: '9007199254740993',
  },
  boolean: { typescript: 'boolean', drizzle: 'boolean', prisma: 'Boolean', sample: 'true' },
  'double precision': {
    typescript: 'number',
    drizzle: 'doublePrecision',
    prisma: 'Float',
    sample: '0.5',
  },
  integer: { typescript: 'number', drizzle: 'integer', prisma: 'Int', sample: '7' },
  interval: {
    typescript: 'Interval',
    drizzle: 'interval',
    prisma: undefined,
    sample: "interval '7 s'",
  },
  jsonb: {
    typescript: 'unknown',
    drizzle: 'jsonb',
    prisma: 'Json',
    sample: `jsonb '{"probe": 7}'`,
  },
  numeric: { typescript: 'string', drizzle: 'numeric', prisma: 'Decimal', sample: '7' },
  smallint: {
    typescript: 'number',
    drizzle: 'smallint',
    prisma: 'Int @db.SmallInt',
    sample: '7',
  },
  text: { typescript: 'string', drizzle: 'text', prisma: 'String', sample: "'probe 7'" },
  'timestamp with time zone': {
    typescript: 'Date',
    drizzle: 'timestamptz',
    prisma: 'DateTime @db.Timestamptz(6)',
    sample: "timestamptz '2001-02-03T04:05:06Z'",
  },
}

/** An enumeration of schema jobtable, by its name. */
const ENUMERATION = /^jobtable\.(\w+)$/

/** What a column's type is elsewhere. Throws if it is one that no column has had before. */
export function typeOf({ name, type }: Pick<Column, 'name' | 'type'>): ColumnType {
  const element = type.replace(/\[\]$/, '')
  const enumeration = ENUMERATION.exec(element)?.[1]
  const found =
    enumeration === undefined
      ? TYPES[element]
      : {
          typescript: pascalCase(enumeration),
          drizzle: camelCase(enumeration),
          prisma: pascalCase(enumeration),
          sample: `enum_last(null::${element})`,
        }
  if (found === undefined) {
    throw new Error(`column ${name}: ${type} is not in scripts/types/column-type.ts yet`)
  }
  if (element === type) return found
  return {
    ...found,
    typescript: `readonly ${found.typescript}[]`,
    prisma: found.prisma?.replace(/^\w+/, '$&[]'),
    sample: `array[${found.sample}]`,
  }
}

/** The column's type in TypeScript or else others, which `unknown` includes. */
export function orElse(
  column: Pick<Column, 'name' | 'type'>,
  others: readonly ('null' | 'undefined')[],
): string {
  const { typescript } = typeOf(column)
  return typescript === 'unknown' ? typescript : [typescript, ...others].join(' | ')
}

export function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

export function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The first line of a comment: its summary. */
export function summary(comment: string): string {
  return comment.split('\n', 1)[0] ?? ''
}

/** The first line of a comment as a docstring, nothing where there is no comment. */
export function docstring(comment: string | null): string[] {
  return comment === null ? [] : [`/** ${summary(comment)} */`]
}
