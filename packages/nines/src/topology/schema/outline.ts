/** The schema as a list of sections: what the reference page and the words' type are made from. */
import type { z } from 'zod';
import { type Facts, factsOf, type SectionFacts, sectionFactsOf } from './facts.ts';

export interface Section extends SectionFacts {
  /** Where it stands: 'services.<name>.health'; '' for the topology itself. */
  path: string;
  entries: Entry[];
}

export interface Entry {
  key: string;
  /** TypeScript type of what may be given. */
  type: string;
  mayBeLeftOut: boolean;
  /** Of an option; undefined for an entry that holds a section. */
  facts: Facts | undefined;
  /** First sentence of the section that the entry holds; '' for an option. */
  holds: string;
}

interface Reading {
  type: string;
  mayBeLeftOut: boolean;
  holds: string;
}

/** Sections in the order of the schema, each before those inside it. */
export function outline(schema: z.core.$ZodType): Section[] {
  const sections: Section[] = [];
  readSection(schema, '', sections);
  return sections;
}

function readSection(schema: z.core.$ZodType, path: string, sections: Section[]): void {
  const facts = sectionFactsOf(schema);
  const definition = (schema as z.ZodObject).def;
  if (facts === undefined || definition.type !== 'object') throw new TypeError(`no section at ${path}`);
  const found: Section = { ...facts, path, entries: [] };
  sections.push(found);
  for (const [key, value] of Object.entries(definition.shape)) {
    const below = path === '' ? key : `${path}.${key}`;
    const reading = read(value, below, sections);
    found.entries.push({ key, facts: factsOf(value), ...reading });
  }
}

function read(schema: z.core.$ZodType, path: string, sections: Section[]): Reading {
  const definition = (schema as z.core.$ZodTypes)._zod.def;
  switch (definition.type) {
    case 'prefault':
    case 'optional':
      return { ...read(definition.innerType, path, sections), mayBeLeftOut: true };
    case 'nullable': {
      const inner = read(definition.innerType, path, sections);
      return { ...inner, type: inner.type.endsWith(' | null') ? inner.type : `${inner.type} | null` };
    }
    case 'union':
      for (const branch of definition.options) {
        if ((branch as z.core.$ZodTypes)._zod.def.type === 'record') read(branch, path, sections);
      }
      return option(schema);
    case 'record': {
      if (factsOf(schema) !== undefined) return option(schema);
      const inner = read(definition.valueType, `${path}.<name>`, sections);
      return { ...inner, type: `Record<string, ${inner.type}>` };
    }
    case 'object':
      readSection(schema, path, sections);
      return { type: sectionFactsOf(schema)?.name ?? '', mayBeLeftOut: false, holds: sectionFactsOf(schema)?.what ?? '' };
    default:
      return option(schema);
  }
}

function option(schema: z.core.$ZodType): Reading {
  return { type: factsOf(schema)?.type ?? 'unknown', mayBeLeftOut: false, holds: '' };
}
