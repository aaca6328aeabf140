/**
 * The login of this page: a cookie that no script sees, with a token that the page sends beside it; or an API key,
 * which is kept in memory only and forgotten with the tab.
 *
 * @module
 */
import { signal } from '@preact/signals'
import type { AdminRole } from '../../../src/broker/host/api-key-views.ts'

/** `unknown` until it is clear whether a login is needed. */
export const login = signal<'unknown' | 'needed' | 'done'>('unknown')

/** Of the login. */
export const role = signal<AdminRole>('viewer')

const STORED = 'sluice-request-token'

let apiKey: string | undefined

export function authorization(): Readonly<Record<string, string>> {
  if (apiKey !== undefined) return { Authorization: `Bearer ${apiKey}` }
  const token = requestToken()
  return token === null ? {} : { 'Sluice-Request-Token': token }
}

/** Of the cookie; for this tab only. */
export function requestToken(): string | null {
  return sessionStorage.getItem(STORED)
}

export function useRequestToken(token: string): void {
  apiKey = undefined
  sessionStorage.setItem(STORED, token)
}

export function useKey(key: string): void {
  apiKey = key
}

export function hasKey(): boolean {
  return apiKey !== undefined
}

/** Called whenever the broker does not accept the login. */
export function forgetLogin(): void {
  apiKey = undefined
  sessionStorage.removeItem(STORED)
  login.value = 'needed'
}
