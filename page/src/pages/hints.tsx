/** What is allowed and probably not meant. @module */
import type { JSX } from 'preact'
import { Section } from '../parts/basics.tsx'
import { linkTo } from '../state/route.ts'
import { useView } from '../state/view.ts'
import { texts } from '../texts.ts'

const REFRESH_MS = 30_000

export function Hints(): JSX.Element | null {
  const { value } = useView('hints', {}, REFRESH_MS)
  if (value === undefined || value.length === 0) return null
  return (
    <Section title={texts.overview.hints}>
      <ul class="answer">
        {value.map(({ text, clientIds }, at) => (
          <li key={at}>
            <p>{text}</p>
            <p>
              {clientIds.map((clientId) => (
                <a key={clientId} href={linkTo('clients', clientId)}>
                  {clientId}{' '}
                </a>
              ))}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  )
}
