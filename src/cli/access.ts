/** The plugins of a configuration, made without a broker: to see whether they can be, and to put questions to them. @module */
import { silentLogger } from '../base/log.ts'
import { Access } from '../broker/access.ts'
import type { AccessOptions } from '../broker/access-plugins.ts'
import { realClock } from '../broker/clock.ts'
import type { ConfigSource } from '../broker/config-problems.ts'
import { shippedPlugins } from '../plugins/registry.ts'

/**
 * Makes the plugins that `options` lists, hands them to `use`, and closes them.
 *
 * @throws {ConfigError} when one of them cannot be made
 */
export async function withAccess(
  options: AccessOptions & { readonly baseFolder: string },
  source: ConfigSource | undefined,
  use: (access: Access) => Promise<void> | void,
): Promise<void> {
  const { baseFolder } = options
  const sources = { registry: shippedPlugins, baseFolder, log: silentLogger, clock: realClock, source }
  const access = await Access.create(options, sources)
  try {
    await use(access)
  } finally {
    await access.close()
  }
}
