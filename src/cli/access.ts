/**
 * Creates the plugins of a configuration without a broker, to check whether they can be created, and to ask them
 * questions. @module
 */
import { createAccess } from '../config/access-plugins.ts'
import { type Logger, silentLogger } from '../base/log.ts'
import { Access } from '../access/access.ts'
import type { AccessOptions } from '../config/plugin-reference.ts'
import { realClock, stayAlive } from '../turn/clock.ts'
import type { ConfigSource } from '../config/config-problems.ts'
import { shippedPlugins } from '../plugins/registry.ts'

/**
 * Creates the plugins that `options` lists, passes them to `use`, and closes them.
 *
 * @throws {ConfigError} if one of them cannot be created
 */
export async function withAccess(
  options: AccessOptions & { readonly baseFolder: string },
  source: ConfigSource | undefined,
  use: (access: Access) => Promise<void> | void,
  log: Logger = silentLogger,
): Promise<void> {
  const { baseFolder } = options
  const sources = { registry: shippedPlugins, baseFolder, log, clock: realClock, source }
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
