/** The program: `bin/sluice.js` imports this module, which runs the command line and sets the exit code. @module */
import { inlineMore } from './inlining.ts'
import { runProgram } from './program.ts'
import { processTerminal } from './terminal.ts'

inlineMore()
const code = await runProgram(process.argv.slice(2), processTerminal())
// A second signal, or a disk that does not answer: whatever is still open is left behind.
if (code >= 3) process.exit(code)
process.exitCode = code
