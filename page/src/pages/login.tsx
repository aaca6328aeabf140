/** Where one logs in. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { call, type ApiProblem } from '../api/client.ts'
import { login, useKey } from '../api/credentials.ts'
import { Field, Form, Problem } from '../parts/basics.tsx'
import { Command } from '../parts/command.tsx'
import { problemOf } from '../state/view.ts'
import { texts } from '../texts.ts'

export function Login(): JSX.Element {
  const [key, setKey] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  const submit = async (): Promise<void> => {
    useKey(key.trim())
    try {
      await call('overview', {})
      login.value = 'done'
    } catch (error) {
      setProblem(problemOf(error))
    }
  }
  return (
    <main class="login">
      <h1>
        <img src="./icon.svg" alt="" width="28" height="28" /> {texts.login.title}
      </h1>
      <Problem problem={problem} />
      <Form action={texts.login.action} onSubmit={() => void submit()}>
        <Field label={texts.login.key} type="password" value={key} onInput={setKey} isRequired />
      </Form>
      <p class="quiet">{texts.login.explanation}</p>
      <Command text={texts.login.command} />
    </main>
  )
}
