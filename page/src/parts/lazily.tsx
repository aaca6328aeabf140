/** Places that are loaded when they are first visited, so that the first page does not wait for them. @module */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { texts } from '../texts.ts'

/** @returns a component that shows what `load` brings, or that it could not be loaded */
export function lazily<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined
  return function Lazy(props: Props): JSX.Element {
    const [, setRound] = useState(0)
    const [hasFailed, setFailed] = useState(false)
    useEffect(() => {
      if (loaded !== undefined) return
      load().then(
        (component) => {
          loaded = component
          setRound((round) => round + 1)
        },
        (error: unknown) => {
          console.error(error)
          setFailed(true)
        },
      )
    }, [])
    const Loaded = loaded
    if (Loaded !== undefined) return <Loaded {...props} />
    return hasFailed ? <p class="problem">{texts.notLoaded}</p> : <p class="quiet">{texts.loading}</p>
  }
}
