import type { Database } from '../../database.ts'
import { type Isolation, isolation } from '../../queries/isolation.ts'
import { type Finding, fault, ok, orOk, warning } from './finding.ts'

const CHECK = 'owners'

/** Whether owners are kept apart as they were told to be. */
export async function checkOwners(database: Database): Promise<readonly Finding[]> {
  const found = await isolation(database)
  if (!found.enabled) {
    return orOk(
      checkFunction(found),
      CHECK,
      'owners are not kept apart, and have not been told to be',
    )
  }
  const { clients, owner_login: owner, owner_source: source } = found
  const findings = [
    ...checkFunction(found),
    ...found.missing.map((what) =>
      fault(CHECK, `the ${what} is missing`, 'select jobtable.enable_isolation()'),
    ),
    ...found.open_facets.map((facet) =>
      fault(
        CHECK,
        `clients see the rows of all owners in facet ${facet}`,
        `have its owner run: select jobtable.add_facet('${facet}')`,
      ),
    ),
    ...found.unbound.map((login) =>
      fault(
        CHECK,
        `no policy binds the client ${login}: it has BYPASSRLS or the rights of the tables' owner, or can SET ROLE to one who has`,
        'take that from it, or the role by which it is a client',
      ),
    ),
    ...(owner === null
      ? []
      : [
          warning(
            CHECK,
            `${owner} owns the tables and can log in: no policy binds it`,
            'use it to migrate only, and give workers and clients logins of their own',
          ),
        ]),
    ...(source === 'role' || source === 'function' || clients.length === 0
      ? []
      : [
          warning(
            CHECK,
            `the owner comes from a setting (source ${source}), which ${clients.join(', ')} can set to anybody if SQL of others runs there`,
            `for people with logins of their own: select jobtable.set_owner_source('role')`,
          ),
        ]),
  ]
  const kept = `owners are kept apart, by source ${source}, for ${clients.length} ${clients.length === 1 ? 'login' : 'logins'}`
  return findings.some(({ verdict }) => verdict === 'fault')
    ? findings
    : [ok(CHECK, kept), ...findings]
}

/** Whether all who need it can ask the user's function for the owner, if there is one. */
function checkFunction(found: Isolation): readonly Finding[] {
  const { owner_function: name, owner_function_gone: gone, owner_function_denied: denied } = found
  return [
    ...(gone
      ? [
          fault(
            CHECK,
            `there is no function ${name} to tell the owner: INSERTs that name none fail`,
            'create it again, or choose another source by jobtable.set_owner_source()',
          ),
        ]
      : []),
    ...denied.map((login) =>
      fault(
        CHECK,
        `${login} may not call ${name}, which tells the owner`,
        'grant it USAGE on the schema of that function, and EXECUTE on the function',
      ),
    ),
  ]
}
