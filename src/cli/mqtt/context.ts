/** `sluice context`: saves connections under names. @module */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { Call } from '../command.ts'
import { Contexts } from './contexts.ts'

const ACTIONS = ['add', 'use', 'ls', 'rm'] as const

/** @returns the exit code */
export function context({ args = [], terminal }: Call): number {
  const [action, name, ...rest] = args
  const contexts = new Contexts()
  switch (action) {
    case 'add':
      contexts.add(required(name), rest)
      terminal.out(`Saved as ${name}: \`sluice sub --context ${name} -t '#'\` uses it.`)
      return 0
    case 'use':
      refuse(rest)
      contexts.use(name)
      terminal.out(name === undefined ? 'No context applies any more.' : `${name} applies where no server is named.`)
      return 0
    case 'rm':
      refuse(rest)
      contexts.remove(required(name))
      return 0
    case 'ls':
      refuse(args.slice(1))
      for (const each of contexts.names) {
        terminal.out(`${each === contexts.current ? '*' : ' '} ${each}  ${shown(contexts.flags(each))}`)
      }
      return 0
    default: {
      const meant = action === undefined ? undefined : nearest(action, ACTIONS)
      const hint = meant === undefined ? `The actions are ${ACTIONS.join(', ')}.` : `Did you mean ${meant}?`
      throw new UsageError(`\`sluice context\` has no option ${action ?? '(none)'}. ${hint}`)
    }
  }
}

function required(name: string | undefined): string {
  if (name !== undefined && /^[\w.-]+$/.test(name) && !name.startsWith('-')) return name
  throw new UsageError(
    'A context has a name of letters, digits, dots, dashes and underscores: `sluice context add NAME …`',
  )
}

function refuse(rest: readonly string[]): void {
  if (rest.length > 0) throw new UsageError(`\`sluice context\` does not accept the argument ${rest[0]}.`)
}

/** Flags without secrets. */
function shown(flags: readonly string[]): string {
  const secret = new Set(['-P', '--pw', '--psk'])
  return flags.map((word, at) => (secret.has(flags[at - 1] ?? '') ? '…' : withoutPassword(word))).join(' ')
}

/** A URL without the password that may stand in it. */
function withoutPassword(word: string): string {
  const host = word.lastIndexOf('@')
  const user = word.indexOf('//')
  const password = word.indexOf(':', user + 2)
  return user >= 0 && password >= 0 && password < host ? `${word.slice(0, password)}:…${word.slice(host)}` : word
}
