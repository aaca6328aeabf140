/** The login of this page: an API key, which is kept in memory only and forgotten with the tab. @module */
import { signal } from '@preact/signals'

/** `unknown` until the first request has shown whether a login is needed. */
export const login = signal<'unknown' | 'needed' | 'done'>('unknown')

let apiKey: string | undefined

export function authorization(): Readonly<Record<string, string>> {
  return apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }
}

export function useKey(key: string): void {
  apiKey = key
}

/** Called whenever the broker does not accept the login. */
export function loggedOut(): void {
  apiKey = undefined
  login.value = 'needed'
}
