/**
 * What schemas of any library have in common: Standard Schema, and Standard JSON Schema where the
 * library has it (https://standardschema.dev). The interfaces may be copied, so that says the
 * specification.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: 'draft-2020-12' }) => object
    }
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The outcome of a check: the value as the schema gives it out, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema gives out. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** What a schema takes in. */
export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input']

/** Whether a value of unknown origin is a schema. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  // A schema of some libraries is a function.
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return false
  const standard: unknown = '~standard' in value ? value['~standard'] : undefined
  return (
    typeof standard === 'object' &&
    standard !== null &&
    'validate' in standard &&
    typeof standard.validate === 'function'
  )
}

/** The issues of a check as one line: path and fault of each. */
export function faultsOf(issues: readonly StandardIssue[]): string {
  return issues
    .map(({ message, path = [] }) => {
      const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
      return place === '' ? message : `${place}: ${message}`
    })
    .join('; ')
}
