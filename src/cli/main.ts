/** The program: `bin/sluice.js` imports this module, which runs the command line and sets the exit code. @module */
import { tuneEngine } from './engine.ts'
import { runProgram } from './program.ts'
import { processTerminal } from './terminal.ts'

tuneEngine()
const code = await runProgram(process.argv.slice(2), processTerminal())
// After a second signal, or if a disk does not respond, everything that is still open is abandoned.
if (code >= 3) process.exit(code)
process.exitCode = code
