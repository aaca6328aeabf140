/** Breakages of rules of 3.1.1, many of which 5.0 shares. @module */
import type { Mutant } from './mutant.ts'

export const mutants311: readonly Mutant[] = []
