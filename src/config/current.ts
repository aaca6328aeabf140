/**
 * The settings that may change while the broker runs: one object, shared by all parts, so that a reload assigns each
 * once. @module
 */
import type { Access } from '../access/access.ts'
import type { Options } from './options.ts'

export interface Current {
  options: Options
  access: Access
}
