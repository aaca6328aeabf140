/** Formats the output of `--help`: the commands, example lines, and what to type next. @module */
import { usageOf } from './command.ts'
import type { Command, CommandOption } from './command.ts'
import type { Terminal } from './terminal.ts'
import { version } from '../broker/version.ts'

/** Two columns, the second aligned. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 3
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`).join('\n')
}

function summariesOf(commands: readonly Command[]): (readonly [string, string])[] {
  return commands.map(({ name, summary }) => [name, summary])
}

/** `sluice --help` */
export function programHelp(commands: readonly Command[], { bold }: Terminal): string {
  return `${bold(`Sluice ${version}`)}, an MQTT server for 3.1, 3.1.1 and 5.0

${bold('Usage')}
  sluice COMMAND [OPTION …]

${bold('Commands')}
${columns(summariesOf(commands.filter(({ asksBroker }) => asksBroker !== true)))}

${bold('Query and control a running broker')} (no set-up on the same machine; --url for one elsewhere)
${columns(summariesOf(commands.filter(({ asksBroker }) => asksBroker === true)))}

${bold('A first message')}
${columns([
  ['sluice start', 'a broker on 127.0.0.1:1883 for clients on this machine'],
  ["sluice sub -t 'a/#' -v", 'in a second terminal: waits for messages'],
  ['sluice pub -t a/b -m hi', 'in a third: sends one'],
])}

${bold('Next')}
${columns([
  ['sluice help start', 'how to start with your own configuration; every command has such a page'],
  ['docs/reference/configuration.md', 'every key of the configuration file'],
])}
`
}

function optionRow([name, { short, value, description }]: [string, CommandOption]): readonly [string, string] {
  return [`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`, description]
}

/** `sluice help COMMAND` */
export function commandHelp(command: Command, { bold }: Terminal): string {
  const options = [...Object.entries(command.options).map(optionRow), ...(command.flags ?? [])]
  return `${bold(usageOf(command))}

${command.details}

${bold('Options')}
${columns([...options, [command.hasOwnFlags ? '--help' : '-h, --help', 'shows this page']])}

${bold('Examples')}
${columns(command.examples)}
`
}
