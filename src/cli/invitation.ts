/**
 * How to log in with a browser for the first time: a person at a terminal gets a link, others are referred to the
 * command that makes one, because many may read a log.
 *
 * @module
 */
import type { Logger } from '../base/log.ts'
import type { LoginLinkView } from '../broker/host/login-views.ts'
import type { Terminal } from './terminal.ts'

export interface Host {
  /** Where browsers find the API. */
  readonly urls: readonly string[]
  /** Whether a user can log in as an administrator. */
  readonly hasAdministrator: boolean
  createLoginLink(): Promise<LoginLinkView>
}

export async function invite(
  host: Host,
  log: Logger,
  { out, isInteractive }: Pick<Terminal, 'out' | 'isInteractive'>,
): Promise<void> {
  const { urls, hasAdministrator } = host
  if (urls.length === 0 || hasAdministrator) return
  if (!isInteractive) {
    log.info('no administrator can log in with a browser yet; `sluice admin link` prints a link for that')
    return
  }
  const link = await host.createLoginLink()
  out(`\nTo log in with a browser, once and within ten minutes:\n${link.urls.map((url) => `  ${url}`).join('\n')}\n`)
}
