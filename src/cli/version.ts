/** This package's version, from its `package.json`. @module */
import { createRequire } from 'node:module'

export const { version } = createRequire(import.meta.url)('sluice/package.json') as { readonly version: string }
