/** The completion script for bash. @module */
import type { CompletedCommand, CompletedOption } from './completion-table.ts'

/** A script that bash 4 or later evaluates. */
export function bashScript(table: readonly CompletedCommand[]): string {
  return `# Completion of sluice for bash: eval "$(sluice completion bash)"
_sluice() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local actions= options= files=
  COMPREPLY=()
  # bash separates --name=value into three words.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${names(table)} --help --version' -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${table.map(commandCase).join('\n')}
    *) return ;;
  esac
  if [[ $current != -* && -n $actions && $COMP_CWORD -eq 2 ]]; then
    options=$actions
  elif [[ $current != -* && -n $files ]]; then
    _sluice_files
    return
  fi
  COMPREPLY=($(compgen -W "$options" -- "$current"))
}
_sluice_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -F _sluice sluice`
}

function names(table: readonly CompletedCommand[]): string {
  return table.map(({ name }) => name).join(' ')
}

function commandCase({ name, options, actions, takesFile }: CompletedCommand): string {
  const values = options.filter(({ takesValue }) => takesValue).map(valueCase)
  return `    ${name})
      actions='${actions.join(' ')}'
      options='${options.flatMap((option) => option.names).join(' ')}'
      files=${takesFile ? 'yes' : ''}
      case $previous in
${values.join('\n')}
      esac
      ;;`
}

function valueCase(option: CompletedOption): string {
  const pattern = option.names.join(' | ')
  if (option.takesFile) return `        ${pattern}) _sluice_files; return ;;`
  if (option.values.length === 0) return `        ${pattern}) return ;;`
  return `        ${pattern}) COMPREPLY=($(compgen -W '${option.values.join(' ')}' -- "$current")); return ;;`
}
