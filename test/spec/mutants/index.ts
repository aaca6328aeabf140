/** All breakages. @module */
import type { Mutant } from './mutant.ts'
import { mutants311 } from './v311.ts'
import { mutantsConnectPublish5 } from './v5-connect-publish.ts'

export type { Mutant }

export const mutants: readonly Mutant[] = [...mutants311, ...mutantsConnectPublish5]
