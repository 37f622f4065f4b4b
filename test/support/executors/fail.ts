import { defineExecutor } from 'jobtable'
import { z } from 'zod'

export default defineExecutor({
  type: 'fail',
  payload: z.object({ message: z.string().default('on purpose') }),
  execute({ payload }) {
    throw new RangeError(payload.message)
  },
})
