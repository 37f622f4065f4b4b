// Runs before the command, on whichever Node is there: syntax of 2009, so that the oldest one can still
// say what is wrong instead of failing on a word it does not know.
'use strict'

var required = [22, 18]
var found = process.versions.node.split('.').map(Number)

if (found[0] < required[0] || (found[0] === required[0] && found[1] < required[1])) {
  console.error(
    'jobtable needs Node.js ' +
      required.join('.') +
      ' or newer, but ' +
      process.execPath +
      ' is ' +
      process.version +
      ': in a checkout run "npm ci", which brings Node 24 for the npm scripts; elsewhere install Node.js 22.18 or newer.',
  )
  process.exit(1)
}
