/**
 * The settings that may change while the broker runs: one object, shared by all parts, so that a reload assigns each
 * once. @module
 */
import type { Access } from '../access/access.ts'
import type { Directory } from '../access/directory/directory.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import type { Options } from './options.ts'

export interface ActiveConfig {
  options: Options
  access: Access
  /**
   * Whether a message has crossed a bridge of this broker before, and comes back over others; `undefined` without
   * bridges.
   */
  returns?: ((client: Client, message: ApplicationMessage) => boolean) | undefined
  /** Users, groups, roles and bans: the same one before and after a reload. */
  readonly directory: Directory
}
