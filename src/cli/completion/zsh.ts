/** The completion script for zsh. @module */
import type { CompletedCommand, CompletedOption } from './completion-table.ts'

/** A script for a file `_sluice` in `fpath`, or to be evaluated after `compinit`. */
export function zshScript(table: readonly CompletedCommand[]): string {
  return `#compdef sluice
# Completion of sluice for zsh: save it as _sluice in a folder of fpath.
_sluice() {
  local -a commands actions options
  local files=
  if (( CURRENT == 2 )); then
    commands=(
${table.map(({ name, summary }) => `      ${described(name, summary)}`).join('\n')}
    )
    _describe -t commands command commands
    return
  fi
  case $words[2] in
${table.map(commandCase).join('\n')}
    *) return 1 ;;
  esac
  if [[ $PREFIX != -* && -n $actions && $CURRENT -eq 3 ]]; then
    compadd -- $actions
  elif [[ $PREFIX != -* && -n $files ]]; then
    _files
  else
    _describe -o -t options option options
  fi
}
if [[ \${funcstack[1]} == _sluice ]]; then
  _sluice "$@"
else
  compdef _sluice sluice
fi`
}

function commandCase({ name, options, actions, takesFile }: CompletedCommand): string {
  const values = options.filter(({ takesValue }) => takesValue).map(valueCase)
  const rows = options.flatMap((option) => option.names.map((each) => described(each, option.description)))
  return `    ${name})
      actions=(${actions.join(' ')})
      files=${takesFile ? 'yes' : ''}
      options=(
${rows.map((row) => `        ${row}`).join('\n')}
      )
      case $words[CURRENT-1] in
${values.join('\n')}
      esac
      ;;`
}

function valueCase(option: CompletedOption): string {
  const pattern = option.names.join('|')
  if (option.takesFile) return `        ${pattern}) _files; return ;;`
  if (option.values.length === 0) return `        ${pattern}) return ;;`
  return `        ${pattern}) compadd -- ${option.values.join(' ')}; return ;;`
}

function described(name: string, description: string): string {
  return `'${`${name}:${description}`.replaceAll('\\', '\\\\').replaceAll("'", String.raw`'\''`)}'`
}
