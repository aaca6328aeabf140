/** Where in the page we are: `#/clients/ID`, so that the broker serves one document for all of them. @module */
import { computed, signal } from '@preact/signals'

const hash = signal(location.hash)
addEventListener('hashchange', () => (hash.value = location.hash))

/** The parts of the path, decoded; `['overview']` for none. */
export const route = computed<readonly string[]>(() => {
  const [path = ''] = hash.value.replace(/^#\/?/, '').split('?')
  return path === '' ? ['overview'] : path.split('/').map(decoded)
})

/** What follows the question mark. */
export const routeQuery = computed(() => new URLSearchParams(hash.value.split('?')[1] ?? ''))

/** A link to a place in the page. */
export function linkTo(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`
}

export function goTo(link: string): void {
  location.hash = link
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
