// The steps of every client, with PostGraphile: GraphQL over HTTP.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { GraphQLError } from 'postgraphile/graphql'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { type Report, takeSteps } from '../clients/node/steps.ts'

const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD = '' } = process.env
const connectionString = `postgres://${PGUSER}:${encodeURIComponent(PGPASSWORD)}@${PGHOST}:${PGPORT}/${PGDATABASE}`

const pgService = makePgService({ connectionString, schemas: ['jobtable', 'public'] })
const service = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [pgService],
  grafserv: {
    // Without this nobody is told more than that something failed.
    maskError: ({ message, originalError, path }) => {
      const { code, detail, hint } = (originalError ?? {}) as Record<string, unknown>
      return new GraphQLError(message, { path, extensions: { code, detail, hint } })
    },
  },
})
const server = createServer()
await service.createServ(grafserv).addTo(server)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

interface Answer {
  readonly data: Record<string, any>
  readonly errors?: readonly { message: string; extensions?: { code: string } }[]
}

class Refusal extends Error {
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

async function graphql(query: string, variables: object): Promise<Answer['data']> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as Answer
  if (errors?.[0]) throw new Refusal(errors[0].message, errors[0].extensions?.code)
  return data
}

/** Names as PostGraphile has them: camelCase, and `rowId` for the column id. */
function inputOf(row: object): object {
  const fields = Object.entries(row).map(([name, value]) => [
    name === 'id' ? 'rowId' : name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase()),
    value,
  ])
  return Object.fromEntries(fields)
}

/** Several mutations of one request are a transaction each. */
async function insert(...rows: readonly object[]): Promise<number> {
  const declared = rows.map((_, n) => `$job${n}: JobInput!`).join(', ')
  const fields = rows.map(
    (_, n) => `n${n}: createJob(input: { job: $job${n} }) { clientMutationId }`,
  )
  const variables = Object.fromEntries(rows.map((row, n) => [`job${n}`, inputOf(row)]))
  return Object.keys(await graphql(`mutation (${declared}) { ${fields.join(' ')} }`, variables))
    .length
}

await takeSteps({
  insert,
  insertReturningId: async (job) => {
    const { createJob } = await graphql(
      'mutation ($job: JobInput!) { createJob(input: { job: $job }) { job { rowId } } }',
      { job },
    )
    return createJob.job.rowId
  },
  // It has no ON CONFLICT.
  insertUnlessHeld: insert,
  // A client has no transaction that it could roll back.
  insertAndRollBack: async () => 0,
  update: async (id, changes) => {
    const { updateJobByRowId } = await graphql(
      `mutation ($id: BigInt!, $jobPatch: JobPatch!) {
        updateJobByRowId(input: { rowId: $id, jobPatch: $jobPatch }) { job { rowId } }
      }`,
      { id, jobPatch: inputOf(changes) },
    )
    return updateJobByRowId.job.rowId === id ? 1 : 0
  },
  delete: async (id) => {
    const { deleteJobByRowId } = await graphql(
      'mutation ($id: BigInt!) { deleteJobByRowId(input: { rowId: $id }) { job { rowId } } }',
      { id },
    )
    return deleteJobByRowId.job.rowId === id ? 1 : 0
  },
  read: async (id): Promise<Report> => {
    const { reports, note } = await graphql(
      `query ($id: BigInt!) {
        reports: allJobReports(condition: { rowId: $id }) {
          nodes { status fraction result canResubmit }
        }
        note: publicConformNoteByJob(job: $id) { lines note }
      }`,
      { id },
    )
    const { canResubmit, ...rest } = reports.nodes[0]
    return { ...rest, can_resubmit: canResubmit, ...note }
  },
  sqlState: (error) => (error instanceof Refusal ? error.code : undefined),
  close: async () => {
    server.close()
    server.closeAllConnections()
    await service.release()
    await pgService.release?.()
  },
})
