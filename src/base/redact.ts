/** Keeps tokens out of what is written down: some Clients send theirs as the User Name. @module */

/** A JSON Web Token: its first part begins with `{"`, in base64url. */
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g

/**
 * Puts `(token)` in the place of whatever looks like a JSON Web Token.
 *
 * @example
 * withoutTokens('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciJ9.c2ln') // '(token)'
 * withoutTokens('meter-7') // 'meter-7'
 */
export function withoutTokens(text: string): string {
  return text.replace(TOKEN, '(token)')
}
