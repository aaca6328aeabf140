/**
 * Where the WebSocket of a console is, and what it is offered: read before the API is loaded, and by the page. @module
 */

export const CONSOLE_PATH = '/api/v1/console'

/** What the names of subprotocols begin with that carry the login of a page. */
export const TOKEN_PROTOCOL = 'sluice-request-token.'
export const KEY_PROTOCOL = 'bearer.'
