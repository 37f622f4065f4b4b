import { reportFailure } from './failure.ts'
import { handleBrokenPipe } from './output.ts'
import { buildProgram } from './program.ts'

handleBrokenPipe()
try {
  await buildProgram().parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error)
}
