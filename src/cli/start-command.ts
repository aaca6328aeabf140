/** `sluice start` in the table of commands: a row of its own, since a broker that starts needs no other. @module */
import type { Command, CommandOption } from './command.ts'

export const CONFIG: CommandOption = { short: 'c', value: 'FILE', description: 'the configuration file (YAML)' }

export const startCommand: Command = {
  name: 'start',
  summary: 'starts the broker; Ctrl-C stops it',
  details:
    'Without a configuration, the broker listens on 127.0.0.1:1883, accepts anonymous clients on this machine, and keeps its\nstate in ./sluice-data. A page for operators and the HTTP API are served at http://127.0.0.1:8083, unless `admin` says\notherwise; both take a login, for which a terminal is shown a link. Paths in a configuration are relative to its folder.',
  positionals: [],
  options: {
    config: CONFIG,
    'log-level': {
      value: 'LEVEL',
      values: ['debug', 'info', 'warn', 'error'],
      description: 'debug, info (default), warn or error',
    },
    repair: { description: 'starts from damaged data with everything that is readable, and reports the rest' },
  },
  examples: [
    ['sluice start', 'for clients on this machine'],
    ['sluice start --config sluice.yaml', 'with a configuration of your own'],
    ['sluice start -c sluice.yaml --log-level debug', 'also logs details that help to find a problem'],
  ],
  run: async (call) => (await import('./start.ts')).start(call),
}
