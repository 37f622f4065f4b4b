import type { Client } from 'pg'
import { z } from 'zod'
import type { Relation } from '../reference/catalog.ts'

// The catalog calls every column of a view nullable. The plan tells more: a column that is one of a
// table's as it stands is null as little as there, unless an outer join may leave its table out.

const planSchema = z.object({
  Alias: z.string().optional(),
  'Relation Name': z.string().optional(),
  Schema: z.string().optional(),
  'Join Type': z.string().optional(),
  'Parent Relationship': z.string().optional(),
  Output: z.array(z.string()).optional(),
  get Plans() {
    return z.array(planSchema).optional()
  },
})

type Plan = z.infer<typeof planSchema>

const explainSchema = z.tuple([
  z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: planSchema })]) }),
])

/** The inputs of a join whose rows are in every row that it gives. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  Inner: ['Outer', 'Inner'],
  Left: ['Outer'],
  Right: ['Inner'],
  Semi: ['Outer'],
  Anti: ['Outer'],
}

/** Names of a view's columns that are never null. */
export async function neverNull(
  client: Client,
  view: Relation,
  tables: readonly Relation[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query(
    `explain (verbose, format json) select * from jobtable.${view.name}`,
  )
  const [
    {
      'QUERY PLAN': [{ Plan: plan }],
    },
  ] = explainSchema.parse(rows)
  const kept = new Set(
    scansKept(plan).flatMap(({ Alias, Schema, 'Relation Name': relation }) =>
      (tables.find(({ name }) => Schema === 'jobtable' && name === relation)?.columns ?? [])
        .filter(({ required }) => required)
        .map(({ name }) => `${Alias}.${name}`),
    ),
  )
  const found = view.columns.filter((_, index) => kept.has(plan.Output?.[index] ?? ''))
  return new Set(found.map(({ name }) => name))
}

/** The scans whose rows are in every row of a plan. */
function scansKept(plan: Plan): Plan[] {
  const { 'Join Type': join, Plans: inputs = [] } = plan
  const kept = join === undefined ? ['Outer'] : (KEPT[join] ?? [])
  const below = inputs.filter((input) => kept.includes(input['Parent Relationship'] ?? ''))
  return [plan, ...below.flatMap(scansKept)]
}
