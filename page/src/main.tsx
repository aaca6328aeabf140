/** The page for operators: logs in, then shows what the address asks for. @module */
import { render } from 'preact'
import './style/base.css'
import './style/parts.css'
import { App } from './app.tsx'

render(<App />, document.querySelector('#page')!)
