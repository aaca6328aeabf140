/** An address for a phone to read. @module */
import type { JSX } from 'preact'
import { encode } from 'uqr'
import { texts } from '../texts.ts'

/** Dark on light in both themes: readers expect it. */
export function QrCode({ url }: { readonly url: string }): JSX.Element {
  const { data, size } = encode(url, { border: 2 })
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={texts.empty.code(url)}>
      <path d={dark.join('')} />
    </svg>
  )
}
