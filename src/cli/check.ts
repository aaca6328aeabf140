/** `sluice check`: says what is wrong with a configuration, its files and its plugins, and starts nothing. @module */
import { withAccess } from './access.ts'
import type { Call } from './command.ts'
import { readConfig, stateSentence, urlOf, warningsOf } from './config.ts'

export async function check({ options: { config }, terminal }: Call): Promise<number> {
  const { options } = readConfig(config)
  await withAccess(options, () => undefined)
  for (const warning of warningsOf(options)) terminal.err(`warning: ${warning}`)
  const lines = options.listeners.map((listener) => `  ${listener.name} would listen on ${urlOf(listener)}`)
  terminal.out([`${config} can work:`, ...lines, `  ${stateSentence(options)}`].join('\n'))
  return 0
}
