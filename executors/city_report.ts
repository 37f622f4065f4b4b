// Reports on a table of cities that import_csv has made:
//
//   insert into jobtable.job (type, payload) values ('city_report', '{"table": "public.city"}');
//   select jsonb_pretty(value) from jobtable.job_result;
//
// PostgreSQL computes it, in one statement and thereby from one snapshot of the table.
import { defineExecutor } from 'jobtable'
import { z } from 'zod'
import { tableName } from './_table.ts'

const payload = z.strictObject({
  /** Has columns name, country, population, latitude. */
  table: tableName,
  /** How many countries and cities to list. */
  top: z.int().min(1).max(1000).default(5),
})

const city = z.object({ name: z.string(), country: z.string(), population: z.int() })

const report = z.object({
  cities: z.int(),
  countries: z.int(),
  population: z.int(),
  largest: z.array(city),
  northernmost: city.extend({ latitude: z.number() }).nullable(),
  southernmost: city.extend({ latitude: z.number() }).nullable(),
  by_country: z.array(z.object({ country: z.string(), cities: z.int(), population: z.int() })),
})

export default defineExecutor({
  type: 'city_report',
  description: 'Counts the cities of a table, by country and by size',
  payload,
  facets: {
    'public.city_report': z.object({ cities: z.int(), countries: z.int(), population: z.int() }),
  },
  setup: `
    create table if not exists public.city_report (
      job bigint primary key references jobtable.job (id) on delete cascade,
      cities bigint not null,
      countries bigint not null,
      population bigint not null
    )`,

  async execute({ payload: { table, top }, facet, transaction }) {
    return await transaction(async (transaction) => {
      const { rows } = await transaction.query(reportOn(table.sql), [top])
      const result = z.tuple([z.object({ report })]).parse(rows)[0].report
      const { cities, countries, population } = result
      await facet('public.city_report', { cities, countries, population })
      return result
    })
  },
})

function reportOn(table: string): string {
  return `
    select jsonb_build_object(
      'cities', count(*),
      'countries', count(distinct country),
      'population', coalesce(sum(population), 0),
      'largest', (
        select coalesce(jsonb_agg(c), '[]')
        from (
          select name, country, population
          from ${table}
          order by population desc, name
          limit $1
        ) c
      ),
      'northernmost', (
        select to_jsonb(c)
        from (
          select name, country, population, latitude
          from ${table}
          order by latitude desc, name
          limit 1
        ) c
      ),
      'southernmost', (
        select to_jsonb(c)
        from (
          select name, country, population, latitude
          from ${table}
          order by latitude, name
          limit 1
        ) c
      ),
      'by_country', (
        select coalesce(jsonb_agg(c), '[]')
        from (
          select country, count(*) as cities, sum(population) as population
          from ${table}
          group by country
          order by cities desc, country
          limit $1
        ) c
      )
    ) as report
    from ${table}`
}
