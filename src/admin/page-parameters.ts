/** The parameters of every list that is read a page at a time. @module */
import { DEFAULT_LIMIT, MAX_LIMIT } from '../broker/host/page.ts'
import type { ParameterRow } from './operation.ts'

type Optional = ParameterRow & { readonly required: false }

export const LIMIT: Optional = {
  place: 'query',
  type: 'integer',
  required: false,
  minimum: 1,
  maximum: MAX_LIMIT,
  description: `The most items in a page; default ${DEFAULT_LIMIT}.`,
}

export const CURSOR: Optional = {
  place: 'query',
  type: 'text',
  required: false,
  description: 'The cursor of the page before; default: the first page.',
}
