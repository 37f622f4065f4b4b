/**
 * Whether the run demands an optional program by JOBTABLE_REQUIRE, a comma-separated list: its tests
 * then fail where they would be skipped.
 */
export function isRequired(program: string): boolean {
  return (process.env['JOBTABLE_REQUIRE'] ?? '').split(',').includes(program)
}
