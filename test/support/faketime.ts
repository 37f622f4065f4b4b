import { existsSync } from 'node:fs'

/** Where Debian and its relatives install libfaketime, by architecture. */
const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (triplet) => `/usr/lib/${triplet}/faketime/libfaketime.so.1`,
)

/** The library that moves a process's clock, by LD_PRELOAD; undefined where it is not installed. */
export const faketimeLibrary: string | undefined = LIBRARIES.find((path) => existsSync(path))
