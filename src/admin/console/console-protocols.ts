/** What the names of subprotocols begin with that carry the login of a page: the page has them as well. @module */

export const TOKEN_PROTOCOL = 'sluice-request-token.'
export const KEY_PROTOCOL = 'bearer.'
