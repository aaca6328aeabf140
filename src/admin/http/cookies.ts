/**
 * The cookie of a login. A host has one set of cookies for all of its ports, so the name has the port; a cookie of
 * another port that is sent nevertheless fits no login. Through TLS the name begins with `__Host-`: then no other host,
 * and no page without TLS, can set it.
 *
 * @module
 */
import type { RequestHead } from './request.ts'

const VALUE = /^[\w-]{43}$/

type Head = Pick<RequestHead, 'headers' | 'isEncrypted'>

/**
 * The values of all cookies of a login that a request has, if they can be any. A page of the same site may have set
 * others of that name, and a browser may send those first; how many there are is limited by the size of the headers.
 */
export function loginCookies({ headers }: Head): string[] {
  const names = [true, false].map((isSecure) => nameOf(headers['host'], isSecure))
  const pairs = (headers['cookie'] ?? '').split(';').map((pair) => pair.trim().split('='))
  const values = pairs.flatMap(([name = '', value = '']) => (names.includes(name) && VALUE.test(value) ? value : []))
  return [...new Set(values)]
}

/** What sets the cookie. No script can read it, and no other site makes a browser send it. */
export function setCookie(head: Head, value: string): string {
  return `${nameOf(head.headers['host'], isSecure(head))}=${value}; ${attributesOf(head)}`
}

/** What removes the cookie. */
export function removeCookie(head: Head): string {
  return `${setCookie(head, '')}; Max-Age=0`
}

function attributesOf(head: Head): string {
  return `Path=/; HttpOnly; SameSite=Strict${isSecure(head) ? '; Secure' : ''}`
}

function nameOf(host: string | undefined, secure: boolean): string {
  const port = /:(\d{1,5})$/.exec(host ?? '')?.[1]
  return `${secure ? '__Host-' : ''}sluice-login${port === undefined ? '' : `-${port}`}`
}

/** A proxy with TLS may be in front of it: the browser knows. */
function isSecure({ headers, isEncrypted }: Head): boolean {
  return isEncrypted || headers['origin']?.startsWith('https://') === true
}
