/** The plugins of a configuration, made without a broker: to see whether they can be, and to put questions to them. @module */
import { createAccess } from '../config/access-plugins.ts'
import { silentLogger } from '../base/log.ts'
import { Access } from '../access/access.ts'
import type { AccessOptions } from '../config/plugin-reference.ts'
import { realClock, stayAlive } from '../broker/turn/clock.ts'
import type { ConfigSource } from '../config/config-problems.ts'
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
  const alive = stayAlive()
  try {
    const access = await createAccess(options, sources)
    try {
      await use(access)
    } finally {
      await access.close()
    }
  } finally {
    alive.cancel()
  }
}
