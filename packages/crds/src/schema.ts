/**
 * A schema is written once: its TypeScript type is inferred, its OpenAPI part and its page of the reference are made
 * from it. What the types say holds for an object that the API server has stored: defaults are filled in.
 */

/** A CEL rule that the API server checks (x-kubernetes-validations). `self` is the value it stands at. */
export interface Rule {
  /** CEL; true is accepted. */
  readonly rule: string;
  /**
   * A sentence for whoever is refused: what is wrong, and what would be right. No CEL with values in it
   * (messageExpression): the API server holds the texts of numbers for unbounded, and refuses the definition.
   */
  readonly message: string;
  /** Path, relative to where the rule stands, that the refusal names. */
  readonly fieldPath?: string;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** OpenAPI v3 as custom resources may use it (structural schemas). */
export interface OpenApi {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, OpenApi>>;
  readonly required?: readonly string[];
  readonly items?: OpenApi;
  readonly additionalProperties?: OpenApi;
  readonly [keyword: string]: unknown;
}

declare const type: unique symbol;

export interface Schema<T, Presence extends 'required' | 'optional' = 'required'> {
  readonly [type]?: T;
  readonly presence: Presence;
  readonly openApi: OpenApi;
  /** Children for the reference: fields of an object, or of a list's entries. */
  readonly fields?: Fields;
}

type AnySchema = Schema<unknown, 'required' | 'optional'>;
export type Fields = Readonly<Record<string, AnySchema>>;
/** The value a schema describes, as the API server stores it. */
export type Value<S> = S extends Schema<infer T, 'required' | 'optional'> ? T : never;

type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K]['presence'] extends 'required' ? K : never }[keyof F];
type ObjectOf<F extends Fields> = { readonly [K in RequiredKeys<F>]: Value<F[K]> } & {
  readonly [K in Exclude<keyof F, RequiredKeys<F>>]?: Value<F[K]>;
};

interface Common {
  /** What it means, for people; a sentence. */
  readonly doc: string;
  readonly rules?: readonly Rule[];
}

function schema<T>(openApi: OpenApi, { doc, rules = [] }: Common, fields?: Fields): Schema<T> {
  const validations = rules.length > 0 ? { 'x-kubernetes-validations': rules } : {};
  const all = { ...openApi, description: doc, ...validations };
  return { presence: 'required', openApi: all, ...(fields ? { fields } : {}) };
}

/** Every string is bounded: the API server estimates the cost of rules from bounds. */
export function string(
  o: Common & { readonly max: number; readonly min?: number; readonly pattern?: RegExp; readonly format?: string },
): Schema<string> {
  return schema(
    {
      type: 'string',
      maxLength: o.max,
      ...(o.min === undefined ? {} : { minLength: o.min }),
      ...(o.pattern ? { pattern: o.pattern.source } : {}),
      ...(o.format ? { format: o.format } : {}),
    },
    o,
  );
}

export function oneOf<const T extends string>(values: readonly T[], o: Common): Schema<T> {
  return schema({ type: 'string', enum: values }, o);
}

export function oneOfNumbers<const T extends number>(values: readonly T[], o: Common): Schema<T> {
  return schema({ type: 'integer', format: 'int32', enum: values }, o);
}

export function integer(
  o: Common & { readonly min?: number; readonly max?: number; readonly wide?: boolean },
): Schema<number> {
  return schema(
    {
      type: 'integer',
      format: o.wide === true ? 'int64' : 'int32',
      ...(o.min === undefined ? {} : { minimum: o.min }),
      ...(o.max === undefined ? {} : { maximum: o.max }),
    },
    o,
  );
}

export function boolean(o: Common): Schema<boolean> {
  return schema({ type: 'boolean' }, o);
}

/** A point in time, RFC 3339. */
export function time(o: Common): Schema<string> {
  return schema({ type: 'string', format: 'date-time' }, o);
}

export function object<const F extends Fields>(fields: F, o: Common): Schema<ObjectOf<F>> {
  const names = Object.entries(fields);
  const required = names
    .filter(([, f]) => f.presence === 'required' && !('default' in f.openApi))
    .map(([name]) => name);
  const properties = Object.fromEntries(names.map(([name, f]) => [name, f.openApi]));
  return schema({ type: 'object', properties, ...(required.length > 0 ? { required } : {}) }, o, fields);
}

export function list<T>(
  items: Schema<T>,
  o: Common & {
    readonly max: number;
    readonly min?: number;
    /** `set`: no value twice. An array of field names: no two entries with the same ones. */
    readonly unique?: 'set' | readonly string[];
  },
): Schema<readonly T[]> {
  const unique =
    o.unique === undefined
      ? {}
      : o.unique === 'set'
        ? { 'x-kubernetes-list-type': 'set' }
        : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': o.unique };
  return schema(
    {
      type: 'array',
      maxItems: o.max,
      ...(o.min === undefined ? {} : { minItems: o.min }),
      ...unique,
      items: items.openApi,
    },
    o,
    items.fields,
  );
}

export function map<T>(values: Schema<T>, o: Common & { readonly max: number }): Schema<Readonly<Record<string, T>>> {
  return schema({ type: 'object', maxProperties: o.max, additionalProperties: values.openApi }, o);
}

/** Taken as it is, for parts of a Pod that Kubernetes itself checks. */
export function anything(o: Common & { readonly type: 'object' }): Schema<Readonly<Record<string, Json>>> {
  return schema({ type: o.type, 'x-kubernetes-preserve-unknown-fields': true }, o);
}

/** A quantity such as `2`, `500m` or `1Gi`. */
export function quantity(o: Common): Schema<string | number> {
  return schema(
    {
      'x-kubernetes-int-or-string': true,
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      pattern: '^[0-9]+(\\.[0-9]+)?(m|k|M|G|Ki|Mi|Gi)?$',
      maxLength: 32,
    },
    o,
  );
}

/** May be left out, and is then not there. */
export function optional<T>(of: Schema<T>): Schema<T, 'optional'> {
  return { ...of, presence: 'optional' };
}

/** What the API server would make of a value by the defaults below it. */
function filled(openApi: OpenApi, value: Json): Json {
  if (openApi.properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value))
    return value;
  const given = value as Readonly<Record<string, Json>>;
  const entries = Object.entries(openApi.properties).flatMap(([name, inner]): [string, Json][] => {
    if (name in given) return [[name, filled(inner, given[name] as Json)]];
    return 'default' in inner ? [[name, inner['default'] as Json]] : [];
  });
  return Object.fromEntries(entries);
}

/** May be left out, and is then this value. The defaults inside it are written out: rules are tried on it as it stands. */
export function withDefault<T>(of: Schema<T>, value: Json): Schema<T> {
  return { ...of, openApi: { ...of.openApi, default: filled(of.openApi, value) } };
}
