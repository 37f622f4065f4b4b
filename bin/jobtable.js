#!/usr/bin/env node
import './guard.cjs'

await import('../dist/cli/main.js')
