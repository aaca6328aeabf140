/** The completion script for fish. @module */
import type { CompletedCommand, CompletedOption } from './completion-table.ts'

/** A script that fish 3 or later sources. */
export function fishScript(table: readonly CompletedCommand[]): string {
  return `# Completion of sluice for fish: sluice completion fish | source
function __sluice_command
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end
function __sluice_action
    set -l words (commandline -opc)
    test (count $words) -eq 2; and test $words[2] = $argv[1]
end
function __sluice_start
    test (count (commandline -opc)) -eq 1
end
complete -c sluice -f
${line('__sluice_start', ['-l', 'help'], 'shows all commands')}
${line('__sluice_start', ['-l', 'version'], 'prints the version')}
${table.flatMap(commandLines).join('\n')}`
}

function commandLines({ name, summary, options, actions, takesFile }: CompletedCommand): string[] {
  const condition = `__sluice_command ${name}`
  return [
    line('__sluice_start', ['-a', name], summary),
    ...(actions.length > 0 ? [line(`__sluice_action ${name}`, ['-a', quoted(actions.join(' '))])] : []),
    ...(takesFile
      ? [line(actions.length > 0 ? `${condition}; and not __sluice_action ${name}` : condition, ['-F'])]
      : []),
    ...options.map((option) => line(condition, wordsOf(option), option.description)),
  ]
}

function wordsOf({ names, takesValue, takesFile, values }: CompletedOption): string[] {
  const written = names.flatMap((name) => (name.startsWith('--') ? ['-l', name.slice(2)] : ['-s', name.slice(1)]))
  if (!takesValue) return written
  if (takesFile) return [...written, '-r', '-F']
  return [...written, '-x', ...(values.length > 0 ? ['-a', quoted(values.join(' '))] : [])]
}

function line(condition: string, words: readonly string[], description?: string): string {
  const end = description === undefined ? [] : ['-d', quoted(description)]
  return ['complete', '-c', 'sluice', '-n', quoted(condition), ...words, ...end].join(' ')
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`
}
