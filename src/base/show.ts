/** Formats values for messages. @module */
import { withoutTokens } from './redact.ts'

/**
 * Formats a value for a message: short, on one line, and without anything that looks like a key, a token or a password.
 */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a section'
  if (typeof value === 'string' && value.includes('-----BEGIN')) return 'the text of a key or certificate'
  const text = typeof value === 'string' ? JSON.stringify(withoutSecrets(value)) : String(value as number | boolean)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function withoutSecrets(text: string): string {
  return withoutTokens(text).replaceAll(/\/\/[^/\s]*@/g, '//(password)@')
}
