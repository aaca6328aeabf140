/**
 * How a page logs in to its console. A browser sends the cookie with a WebSocket, and lets the page add no header: the
 * page offers the token of its login, or its key, as a further subprotocol, which is not the one that is chosen.
 *
 *   Sec-WebSocket-Protocol: mqtt, sluice-request-token.TOKEN     ──>   Sluice-Request-Token: TOKEN
 *   Sec-WebSocket-Protocol: mqtt, bearer.KEY                     ──>   Authorization: Bearer KEY
 *
 * Both are secrets that no page of another site has, so none can open a console, even if a browser sends the cookie.
 *
 * @module
 */
import { REQUEST_TOKEN_HEADER } from '../http/locks.ts'
import type { RequestHead } from '../http/request.ts'
import { KEY_PROTOCOL, TOKEN_PROTOCOL } from './console-protocols.ts'

/**
 * The same request, with what it offers as the headers that every other request has; a header that it has comes first.
 */
export function withOfferedLogin(head: RequestHead): RequestHead {
  const offered = (head.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const [token, key] = [TOKEN_PROTOCOL, KEY_PROTOCOL].map((start) =>
    offered.find((name) => name.startsWith(start))?.slice(start.length),
  )
  const login = {
    ...(token !== undefined && { [REQUEST_TOKEN_HEADER]: token }),
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  }
  return { ...head, headers: { ...login, ...head.headers } }
}
