/** Small parts of every page. @module */
import type { ComponentChildren, JSX } from 'preact'
import type { ApiProblem } from '../api/client.ts'

interface PageProps {
  readonly title: ComponentChildren
  readonly actions?: ComponentChildren
  readonly problem?: ApiProblem | undefined
  readonly children: ComponentChildren
}

export function PageFrame({ title, actions, problem, children }: PageProps): JSX.Element {
  return (
    <>
      <header class="page-head">
        <h1 tabIndex={-1}>{title}</h1>
        <div class="buttons">{actions}</div>
      </header>
      <Problem problem={problem} />
      {children}
    </>
  )
}

export function Problem({ problem }: { readonly problem: ApiProblem | undefined }): JSX.Element | null {
  return problem === undefined ? null : (
    <p class="problem" role="alert">
      {problem.message}
    </p>
  )
}

interface SectionProps {
  readonly title: ComponentChildren
  readonly note?: ComponentChildren
  readonly children: ComponentChildren
}

export function Section({ title, note, children }: SectionProps): JSX.Element {
  return (
    <section class="section">
      <h2>
        {title} {note !== undefined && <small>{note}</small>}
      </h2>
      {children}
    </section>
  )
}

export type FactRow = readonly [name: string, value: ComponentChildren]

export function Facts({ rows }: { readonly rows: readonly FactRow[] }): JSX.Element {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? '–'}</dd>
        </div>
      ))}
    </dl>
  )
}

interface TilesProps {
  readonly rows: readonly (readonly [name: string, value: ComponentChildren, link?: string])[]
}

/** Figures that are looked at first. */
export function Tiles({ rows }: TilesProps): JSX.Element {
  return (
    <ul class="tiles">
      {rows.map(([name, value, link]) => (
        <li key={name}>
          <span class="tile-value">{value}</span>
          {link === undefined ? <span class="tile-name">{name}</span> : <a href={link}>{name}</a>}
        </li>
      ))}
    </ul>
  )
}

export function Badge({
  kind,
  children,
}: {
  readonly kind: 'good' | 'bad' | 'quiet'
  readonly children: ComponentChildren
}): JSX.Element {
  return <span class={`badge ${kind}`}>{children}</span>
}

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly type?: 'text' | 'search' | 'password' | 'number'
  readonly placeholder?: string
  readonly isRequired?: boolean
  readonly note?: string
}

export function Field({
  label,
  value,
  onInput,
  type = 'text',
  placeholder,
  isRequired = false,
  note,
}: FieldProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        {...({ type } as object)}
        value={value}
        placeholder={placeholder}
        required={isRequired}
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {note !== undefined && <small>{note}</small>}
    </label>
  )
}

interface ChoiceProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly values: Readonly<Record<Value, string>>
  readonly onChange: (value: Value) => void
}

export function Choice<Value extends string>({ label, value, values, onChange }: ChoiceProps<Value>): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as Value)}>
        {Object.entries<string>(values).map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

interface TabsProps<Name extends string> {
  readonly label: string
  readonly current: Name
  readonly tabs: Readonly<Record<Name, string>>
  readonly linkOf: (name: Name) => string
}

/** Links to the parts of a page. */
export function Tabs<Name extends string>({ label, current, tabs, linkOf }: TabsProps<Name>): JSX.Element {
  return (
    <nav class="tabs" aria-label={label}>
      {(Object.entries(tabs) as [Name, string][]).map(([name, text]) => (
        <a key={name} href={linkOf(name)} aria-current={name === current ? 'page' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  )
}

interface FormProps {
  readonly action: string
  readonly isBusy?: boolean
  readonly onSubmit: () => void
  readonly children: ComponentChildren
}

export function Form({ action, isBusy = false, onSubmit, children }: FormProps): JSX.Element {
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      {children}
      <button type="submit" class="primary" disabled={isBusy}>
        {action}
      </button>
    </form>
  )
}
