/** The reference page of the program's commands, from the table that also makes `--help`. @module */
import { usageOf, type Command } from '../src/cli/command.ts'
import { commands } from '../src/cli/commands.ts'

/** The text of docs/reference/cli.md. */
export function cliPage(): string {
  const isRemote = ({ asksBroker }: Command): boolean => asksBroker === true
  return `<!-- Made by node build/tools/reference.js from src/cli/commands.ts. -->

# Commands

\`sluice --help\` lists all commands, and \`sluice help COMMAND\` shows what is on this page. The exit code is 0 if a command
has done its work, 1 if not, and 2 for a wrong command line.

${commands
  .filter((command) => !isRemote(command))
  .map(sectionOf)
  .join('\n')}
## Query and control a running broker

These commands ask a running broker through its [API](../operating/api.md). On the same machine they need no set-up: they use
the socket that \`sluice start\` opens, \`admin.sock\` in the folder of the store. Run them as the user of the broker, in the
folder where it was started, or name its configuration with \`--config\`. \`--url\` and \`--api-key\` are for a broker elsewhere.

On a terminal they print tables for people; otherwise JSON, a line for each item. \`--watch\` repeats until Ctrl-C.

${commands.filter(isRemote).map(sectionOf).join('\n')}`
}

function sectionOf(command: Command): string {
  const own = Object.entries(command.options).map(([name, { short, value, description }]) => {
    const written = [short === undefined ? [] : [`-${short}`], `--${name}`].flat().join(', ')
    return [`${written}${value === undefined ? '' : ` ${value}`}`, description] as const
  })
  const options = [...own, ...(command.flags ?? [])].map(
    ([written, description]) => `| \`${escaped(written)}\` | ${escaped(description)} |`,
  )
  const table = options.length === 0 ? '' : `\n| Option | What it does |\n| --- | --- |\n${options.join('\n')}\n`
  const examples = command.examples.map(([line, does]) => `${line}    # ${does}`).join('\n')
  return `### \`sluice ${command.name}\`

\`\`\`
${usageOf(command)}
\`\`\`

${capital(command.summary)}.

${command.details
  .split(/\n\n(?=Rows)/)[0]!
  .replaceAll('\n', ' ')
  .replaceAll('  ', '\n\n')}
${table}
\`\`\`
${examples}
\`\`\`
`
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1)
}
