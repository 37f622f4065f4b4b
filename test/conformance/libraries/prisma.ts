// The steps of every client, with Prisma.
import { PrismaPg } from '@prisma/adapter-pg'
import { z } from 'zod'
import type { JobInsert } from '../../../src/types/job.ts'
import { takeSteps } from '../clients/node/steps.ts'
import { generatePrisma } from './generate.ts'

generatePrisma()
const { Prisma, PrismaClient } = await import('./generated/client.ts')
const prisma = new PrismaClient({ adapter: new PrismaPg({ max: 1 }) })

type Row = NonNullable<Parameters<typeof prisma.job.create>[0]>['data']

/** Where the error of the database is in Prisma's. */
const causeSchema = z.object({
  driverAdapterError: z.object({ cause: z.object({ originalCode: z.string() }) }),
})

/** Columns in which Prisma itself takes no null, or which it does not know: an interval. */
const NEVER_NULL = new Set<string>(
  'payload owner properties run_at paused cancel_requested timeout'.split(' '),
)

function dataOf(row: JobInsert): Row {
  const kept = Object.entries(row).filter(
    ([name, value]) => value !== null || !NEVER_NULL.has(name),
  )
  return Object.fromEntries(kept) as object as Row
}

await takeSteps({
  insert: async (...rows) => (await prisma.job.createMany({ data: rows.map(dataOf) })).count,
  insertReturningId: async (row) => {
    const { id } = await prisma.job.create({ data: row })
    return id.toString()
  },
  insertUnlessHeld: async (row) =>
    (await prisma.job.createMany({ data: [dataOf(row)], skipDuplicates: true })).count,
  insertAndRollBack: async (row) => {
    let count = 0
    const rolledBack = prisma.$transaction(async (transaction) => {
      count = (await transaction.job.createMany({ data: [dataOf(row)] })).count
      throw new Error('roll back')
    })
    await rolledBack.catch(() => undefined)
    return count
  },
  update: async (id, { paused, priority, title }) => {
    const { count } = await prisma.job.updateMany({
      where: { id: BigInt(id) },
      data: { paused, priority, title },
    })
    return count
  },
  delete: async (id) => (await prisma.job.deleteMany({ where: { id: BigInt(id) } })).count,
  read: async (id) => {
    const { status, fraction, result, can_resubmit } = await prisma.jobReport.findFirstOrThrow({
      where: { id: BigInt(id) },
    })
    const { lines, note } = await prisma.conformNote.findUniqueOrThrow({
      where: { job: BigInt(id) },
    })
    return { status, fraction, result, can_resubmit, lines, note }
  },
  sqlState: (error) =>
    error instanceof Prisma.PrismaClientKnownRequestError
      ? causeSchema.parse(error.meta).driverAdapterError.cause.originalCode
      : undefined,
  close: async () => await prisma.$disconnect(),
})
