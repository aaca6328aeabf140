/** What surrounds every page: its name, the ways to all others, the theme. @module */
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { linkTo, route } from '../state/route.ts'
import { theme, type Theme } from '../state/theme.ts'
import { texts } from '../texts.ts'
import { Choice } from './basics.tsx'

const NAMES = Object.keys(texts.pages) as (keyof typeof texts.pages)[]

export function Shell({
  children,
  logOut,
}: {
  readonly children: ComponentChildren
  readonly logOut: () => void
}): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const [place = ''] = route.value
  const path = route.value.join('/')
  useEffect(() => {
    setOpen(false)
    document.title = `${texts.pages[place as keyof typeof texts.pages] ?? texts.product} · ${texts.product}`
    main.current?.querySelector('h1')?.focus()
    scrollTo(0, 0)
  }, [path])
  return (
    <div class="shell">
      <header class="side">
        <a
          class="skip"
          href={`#/${path}`}
          onClick={(event) => {
            event.preventDefault()
            main.current?.focus()
          }}
        >
          {texts.skip}
        </a>
        <a class="brand" href={linkTo('overview')}>
          <img src="./icon.svg" alt="" width="22" height="22" />
          {texts.product}
        </a>
        <button type="button" class="menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {texts.menu}
        </button>
        <div class={isOpen ? 'side-content open' : 'side-content'}>
          <nav aria-label={texts.menu}>
            {NAMES.map((name) => (
              <a key={name} href={linkTo(name)} aria-current={name === place ? 'page' : undefined}>
                {texts.pages[name]}
              </a>
            ))}
          </nav>
          <div class="side-foot">
            <Choice<Theme>
              label={texts.theme}
              value={theme.value}
              values={texts.themes}
              onChange={(chosen) => (theme.value = chosen)}
            />
            <button type="button" onClick={logOut}>
              {texts.logOut}
            </button>
          </div>
        </div>
      </header>
      <main ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}
