/** Controls that only the console has. @module */
import type { ComponentChildren, JSX } from 'preact'

interface CheckProps {
  readonly label: string
  readonly note?: string
  readonly value: boolean
  readonly onChange: (value: boolean) => void
}

export function Check({ label, note, value, onChange }: CheckProps): JSX.Element {
  return (
    <label class="check" title={note}>
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  )
}

interface AreaProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
}

export function Area({ label, value, onInput }: AreaProps): JSX.Element {
  return (
    <label class="field area">
      <span>{label}</span>
      <textarea
        rows={4}
        value={value}
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  )
}

/** A row of controls in a form. */
export function Line({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <div class="line">{children}</div>
}
