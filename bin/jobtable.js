#!/usr/bin/env node
import './guard.cjs'

void import('../dist/cli/main.js')
