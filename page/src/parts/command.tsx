/** A line to type, with a button that copies it. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { texts } from '../texts.ts'

export function Command({ text }: { readonly text: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false)
  const copy = (): void =>
    void navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  return (
    <p class="command">
      <code>{text}</code>
      {/* Browsers let pages write there only over TLS or on this machine. */}
      {isSecureContext && (
        <button type="button" class="plain" onClick={copy}>
          {isCopied ? texts.copied : texts.copy}
        </button>
      )}
    </p>
  )
}
