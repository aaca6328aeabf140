/** What may change while the broker runs: one object, shared by all its parts, so that a reload is one assignment each. @module */
import type { Access } from '../access/access.ts'
import type { Options } from './options.ts'

export interface Current {
  options: Options
  access: Access
}
