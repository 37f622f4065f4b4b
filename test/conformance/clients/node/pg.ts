// The steps of every client, with node-postgres.
import pg from 'pg'
import { pgLibrary } from './pg-library.ts'
import { takeSteps } from './steps.ts'

await takeSteps(pgLibrary(new pg.Pool({ max: 1 })))
