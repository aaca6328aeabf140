/** The program: `bin/sluice.js` imports this module, which runs the command line and sets the exit code. @module */
import { runProgram } from './program.ts'
import { processTerminal } from './terminal.ts'

const code = await runProgram(process.argv.slice(2), processTerminal())
if (code > 128) process.exit(code) // a second signal: whatever is still open is left behind
process.exitCode = code
