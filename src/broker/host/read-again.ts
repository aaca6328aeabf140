/** Reads the configuration of a broker again, by the function that the program has given for it. @module */
import { SluiceError, UsageError } from '../../base/errors.ts'
import { messageOf } from '../../base/thrown.ts'
import type { ReloadChanges } from '../../config/option-changes.ts'
import type { ConfigInput, ConfigSource } from '../../config/options.ts'

/** A configuration that was read again. */
export interface ReadConfig {
  readonly input: ConfigInput
  /** Where it was read from; `undefined` without a file. */
  readonly source?: ConfigSource | undefined
}

/** What a reload has done. */
export interface ReloadView extends ReloadChanges {
  /** The configuration file that was read; `undefined` if there is none, or the caller sent the configuration. */
  readonly file: string | undefined
}

/**
 * @throws {UsageError} if the broker was given no such function, or it fails
 * @throws {ConfigError} from that function
 */
export async function readAgain(readConfig: (() => ReadConfig | Promise<ReadConfig>) | undefined): Promise<ReadConfig> {
  if (readConfig === undefined) {
    throw new UsageError(
      'this broker runs inside a program that gave it its configuration, so there is no file to read again: send `configuration`, or let the program call broker.reload() or set `readConfig`',
    )
  }
  try {
    const { input, source } = await readConfig()
    return { input, source }
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new UsageError(`\`readConfig\` of this program failed: ${messageOf(error)}`, { cause: error })
  }
}
