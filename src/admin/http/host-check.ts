/**
 * Whether a request comes from a page of somebody else. A browser can be made to ask this address: by a page of another
 * site, which the `Origin` shows, or by a name of another site that leads here (DNS rebinding), which the `Host` shows.
 * Other programs send no `Origin`, and the host that they dial. A proxy with TLS may be in front of a server without.
 *
 * @module
 */
import { isIP } from 'node:net'
import { show } from '../../base/show.ts'
import type { AdminOptions } from '../../config/resolved-options.ts'
import { Problem } from './problem.ts'
import { LOCAL_ADDRESS, type RequestHead } from './request.ts'

/**
 * @throws {Problem} `ERR_HOST` for a name that is not ours, `ERR_ORIGIN` for the page of another site
 */
export function checkHost({ headers, address, isEncrypted }: RequestHead, options: AdminOptions): void {
  const { host, origin } = headers
  // No browser opens a Unix domain socket.
  if (address !== LOCAL_ADDRESS && !isOurs(host ?? '', options)) {
    throw new Problem(
      'ERR_HOST',
      `the host ${show(host ?? '')} is not known here; use localhost or an IP address, or add it to \`admin.allowed-hosts\``,
    )
  }
  if (origin === undefined || origin === `https://${host}` || (!isEncrypted && origin === `http://${host}`)) return
  throw foreign(origin)
}

/**
 * For logins that a browser adds by itself. Browsers that say nothing of the site are caught by the `Origin`.
 *
 * @throws {Problem} `ERR_ORIGIN` if a page of another origin has made the browser send this
 */
export function checkSite({ headers }: RequestHead): void {
  const site = headers['sec-fetch-site'] ?? 'none'
  if (site !== 'same-origin' && site !== 'none') throw foreign(site)
}

/**
 * For what a browser does with a cookie: it has to say where the page comes from.
 *
 * @throws {Problem} `ERR_ORIGIN`
 */
export function checkBrowserWrite(head: RequestHead): void {
  checkSite(head)
  const { origin, 'sec-fetch-site': site } = head.headers
  if (origin !== undefined || site === 'same-origin' || head.address === LOCAL_ADDRESS) return
  throw new Problem('ERR_ORIGIN', 'the request does not show which page it comes from: send `Origin`')
}

function foreign(origin: string): Problem {
  return new Problem(
    'ERR_ORIGIN',
    `the origin ${show(origin)} is not that of this server; pages of other sites may not use it`,
  )
}

function isOurs(host: string, { allowedHosts, bind }: AdminOptions): boolean {
  const name = nameOf(host)
  if (name === undefined) return false
  return (
    name === 'localhost' ||
    isIP(name) !== 0 ||
    [...allowedHosts, bind?.host ?? ''].some((one) => one.toLowerCase() === name)
  )
}

/** Without the port; `undefined` if it is no host. */
function nameOf(host: string): string | undefined {
  const [, v6, name] = /^(?:\[([\da-f:.]+)\]|([^\s:/?#@[\]]+))(?::\d{1,5})?$/i.exec(host) ?? []
  return v6 ?? name?.toLowerCase()
}
