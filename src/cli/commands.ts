/** Every command of the program. What it needs is loaded only when it runs, so that help comes at once. @module */
import type { Command, CommandOption } from './command.ts'

const CONFIG: CommandOption = { short: 'c', value: 'FILE', description: 'the configuration file (YAML)' }

export const commands: readonly Command[] = [
  {
    name: 'check',
    summary: 'says what is wrong with a configuration, and starts nothing',
    details:
      'Reads the configuration and every file it names. Each mistake is one line with file, line and column; the exit\ncode is 1 if there is any.',
    positionals: [],
    options: { config: { ...CONFIG, isRequired: true } },
    examples: [['sluice check --config sluice.yaml', 'checks sluice.yaml in this folder']],
    run: async (call) => (await import('./check.ts')).check(call),
  },
]
