/** `sluice check`: says what is wrong with a configuration, and starts nothing. @module */
import type { Call } from './command.ts'
import { readConfig, stateSentence, urlOf, warningsOf } from './config.ts'

export function check({ options: { config }, terminal }: Call): number {
  const { options } = readConfig(config)
  for (const warning of warningsOf(options)) terminal.err(`warning: ${warning}`)
  const lines = options.listeners.map((listener) => `  ${listener.name} would listen on ${urlOf(listener)}`)
  terminal.out([`${config} can work:`, ...lines, `  ${stateSentence(options)}`].join('\n'))
  return 0
}
