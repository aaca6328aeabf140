/** `sluice check`: checks a configuration, its files and its plugins without starting the broker. @module */
import { ConfigError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { withPlaces, type ConfigSource } from '../config/config-problems.ts'
import type { ListenerOptions, Options } from '../config/options.ts'
import { checkListenerFiles } from '../listeners/listener.ts'
import { withAccess } from './access.ts'
import type { Call } from './command.ts'
import { checkFolder } from './check-folder.ts'
import { readConfig, stateSentence, urlOf, warningsOf } from './config.ts'

export async function check({ options: { config }, terminal }: Call): Promise<number> {
  const { options, source } = readConfig(config)
  const [certificateWarnings, pluginWarnings, folderWarnings] = await allOrErrors([
    checkCertificates(options.listeners, source),
    checkPlugins(options, source),
    checkFolder(options),
  ])
  for (const warning of [...warningsOf(options), ...certificateWarnings, ...pluginWarnings, ...folderWarnings])
    terminal.err(`warning: ${warning}`)
  const lines = options.listeners.map((listener) => `  ${listener.name} would listen on ${urlOf(listener)}`)
  terminal.out([`${config} is valid:`, ...lines, `  ${stateSentence(options)}`].join('\n'))
  return 0
}

/** Awaits all checks. @throws {ConfigError} with the problems of each that failed, not only of the first */
async function allOrErrors<Checks extends readonly Promise<unknown>[]>(
  checks: readonly [...Checks],
): Promise<{ [Index in keyof Checks]: Awaited<Checks[Index]> }> {
  const results = await Promise.allSettled(checks)
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
  const other = errors.find((error) => !(error instanceof ConfigError))
  if (other !== undefined) throw other
  if (errors.length === 1) throw errors[0]!
  if (errors.length > 1) {
    const problems = errors.flatMap((error) => (error as ConfigError).problems)
    throw new ConfigError('ERR_CONFIG', errors.map(({ message }) => message).join('\n'), { problems })
  }
  return Promise.all(checks)
}

/** @returns what plugins warn about while they are created. @throws {ConfigError} if one of them cannot be created */
async function checkPlugins(options: Options, source: ConfigSource | undefined): Promise<string[]> {
  const warnings: string[] = []
  const warn = (first: object | string, message?: string): void =>
    void warnings.push(typeof first === 'string' ? first : (message ?? ''))
  await withAccess(options, source, () => undefined, { ...silentLogger, warn })
  return warnings
}

/**
 * @returns problems that do not prevent a start but make the broker refuse clients now or soon
 * @throws {ConfigError} with a line for each listener whose certificate, key, CA or CRL cannot be used
 */
async function checkCertificates(
  listeners: readonly ListenerOptions[],
  source: ConfigSource | undefined,
): Promise<string[]> {
  const results = await Promise.allSettled(listeners.map(checkListenerFiles))
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [withPlaces(result.reason, source)] : []))
  if (errors.length > 0) {
    const problems = errors.flatMap((error) => (error as ConfigError).problems)
    const lines = errors.map((error) => (error as Error).message)
    throw new ConfigError('ERR_LISTENER_CERTIFICATE', lines.join('\n'), { problems })
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
}
