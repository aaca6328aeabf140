#!/usr/bin/env node
// The first statement: from here on no signal of another purpose opens Node's debugger or ends the program. An import would
// run before it, so the program is imported by the last statement. See "Signals" in docs/reload.md.
for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGALRM']) process.on(signal, () => {})
await import('../dist/cli/main.js')
