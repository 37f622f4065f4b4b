import { defineExecutor } from 'jobtable'
import { begun } from './_trace.ts'

export default defineExecutor({
  type: 'chaos_quick',
  maxAttempts: 5,
  description: 'Does nothing, at once.',
  execute: ({ job }) => begun(job),
})
