/** The JSON Schema of holdfast.yaml: for completion in editors, and for the reference in docs/configuration.md. */
import { z } from 'zod';
import { fileSchema } from './schema/schema.ts';

/** A JSON Schema of draft 7, or a part of one. */
export interface JsonSchema {
  [keyword: string]: unknown;
  type?: string | string[];
  description?: string;
  pattern?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
}

const variable = String.raw`\$\{`;

/** Made of the zod schema, with what only the file knows: variables, profiles, and notes (`x-…`). */
export function makeJsonSchema(): JsonSchema {
  const schema = asSchema(
    z.toJSONSchema(fileSchema, { target: 'draft-7', io: 'input', override: ({ jsonSchema }) => allowVariables(asSchema(jsonSchema)) }),
  );
  const { properties = {} } = schema;
  const { profiles, ...others } = properties;
  const profile = partOf({ ...schema, properties: others });
  return {
    ...schema,
    title: 'holdfast.yaml',
    properties: { ...others, profiles: { ...profiles, type: 'object', additionalProperties: profile } },
    patternProperties: { '^x-': { description: 'Anything: a note, or a place for YAML anchors.' } },
  };
}

/** `daily: ${KEEP}` is text until the variable is filled in. */
function allowVariables(schema: JsonSchema): void {
  if (schema.type === 'integer' || schema.type === 'boolean') {
    schema.type = [schema.type, 'string'];
    schema.pattern = `^${variable}`;
  } else if (schema.pattern !== undefined && !schema.pattern.endsWith(variable)) schema.pattern = `${schema.pattern}|${variable}`;
}

/** The same with nothing that must be there, and with keys that may be empty: a profile. */
function partOf(schema: JsonSchema): JsonSchema {
  const { required: _, $schema: _schema, properties, additionalProperties, anyOf, items, ...rest } = schema;
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, { anyOf: [partOf(value), { type: 'null' }] }])),
    }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'boolean' ? additionalProperties : { anyOf: [partOf(additionalProperties), { type: 'null' }] },
    }),
    ...(anyOf && { anyOf: anyOf.map(partOf) }),
    ...(items && { items: partOf(items) }),
  };
}

const plainSchema: z.ZodType<JsonSchema> = z.custom<JsonSchema>((value) => typeof value === 'object' && value !== null);

function asSchema(value: unknown): JsonSchema {
  return plainSchema.parse(value);
}
