/** Loads the test files that its arguments name, all into this process. @module */
import { CANNOT_LOAD } from './reporter.ts'

try {
  for (const file of process.argv.slice(2)) await import(file)
} catch (error) {
  console.error(error)
  process.exit(CANNOT_LOAD)
}
