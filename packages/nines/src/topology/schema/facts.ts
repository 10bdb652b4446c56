import { z } from 'zod';
import { nearest } from '../nearest.ts';

/** What the reference page and the words' type say about one option. */
export interface Facts {
  /** What may be given; also the text of the error. */
  allowed: string;
  /** Its TypeScript type in the user's file. */
  type: string;
  /** What it does, one sentence. */
  what?: string;
  /** What holds when it is not given; absent: it must be given. */
  standard?: string;
  /** What more of it buys and costs. */
  tradeoff?: string;
}

/** Sentences about an option, given where it stands in the schema. */
export type About = Pick<Facts, 'what' | 'tradeoff'> & { what: string };

const FACTS = z.registry<Facts>();

/** The facts of a leaf; undefined for objects, maps and wrappers. */
export function factsOf(schema: z.core.$ZodType): Facts | undefined {
  return FACTS.get(schema as z.ZodType);
}

/** A kind of value: a schema whose every error message is `allowed`. */
export function kind<S extends z.ZodType>(schema: S, allowed: string, type: string): S {
  FACTS.add(schema, { allowed, type });
  return schema;
}

export function required<S extends z.ZodType>(schema: S, about: About): S {
  // A clone, so that two options of one kind keep their own sentences.
  return described(schema.clone(), schema, about);
}

/** `standard` is in the user's words, as they would write it. */
export function withDefault<S extends z.ZodType>(schema: S, standard: z.input<S>, about: About): z.ZodPrefault<S> {
  return described(schema.prefault(standard as never), schema, about, code(standard));
}

/** The default depends on the rest of the topology: `standard` says how. */
export function optional<S extends z.ZodType>(schema: S, standard: string, about: About): z.ZodOptional<S> {
  return described(schema.optional(), schema, about, standard);
}

/** An option that `null` switches off. */
export function orNull<S extends z.ZodType>(schema: S, what: string): z.ZodNullable<S> {
  const facts = factsOf(schema);
  return kind(schema.nullable(), `${facts?.allowed ?? 'an object'}, or null: ${what}`, `${facts?.type ?? 'object'} | null`);
}

/** A named group of options and the sentence that the reference page opens it with. */
export interface SectionFacts {
  /** Name of its type in the user's file. */
  name: string;
  what: string;
}

const SECTIONS = z.registry<SectionFacts>();

export function sectionFactsOf(schema: z.core.$ZodType): SectionFacts | undefined {
  return SECTIONS.get(schema as z.ZodType);
}

/** A group of options; a key that it does not have is refused with the nearest one that it has. */
export function section<S extends z.core.$ZodLooseShape>(name: string, what: string, shape: S): z.ZodObject<S, z.core.$strict> {
  const keys = Object.keys(shape);
  const error: z.core.$ZodErrorMap = (issue) => {
    if (issue.code !== 'unrecognized_keys') return `an object with ${keys.join(', ')}`;
    return issue.keys.map((key) => unknownKey(key, keys)).join('\n');
  };
  const schema = z.strictObject(shape, { error });
  SECTIONS.add(schema, { name, what });
  return schema;
}

function unknownKey(key: string, keys: string[]): string {
  const meant = nearest(key, keys);
  const suggestion = meant === null ? '' : `did you mean '${meant}'? `;
  return `is not an option here; ${suggestion}${meant === null ? 'a' : 'A'}llowed: ${keys.join(', ')}`;
}

function described<S extends z.ZodType>(schema: S, base: z.ZodType, about: About, standard?: string): S {
  const facts = factsOf(base);
  if (facts === undefined) throw new TypeError('a leaf of the schema must be made by a kind');
  FACTS.add(schema, { ...facts, ...about, ...(standard === undefined ? {} : { standard }) });
  return schema;
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value).replaceAll('"', "'")}\``;
}
