import { z } from 'zod';
import { kind, optional, required, section } from './facts.ts';
import { address, name, named } from './kinds.ts';

const host = section('HostWords', 'One machine, or one network namespace of the lab.', {
  address: optional(address(), 'the lab chooses one', {
    what: "The host's own address; engines listen on it alone. Machines must have one.",
  }),
});

const HOSTS_ALLOWED = "a list of host names, as ['a1', 'a2'], or an object of them, as { a1: { address: '10.0.0.3' } }";

const hosts = kind(
  z.union([z.array(name(), { error: HOSTS_ALLOWED }), named(host)], { error: HOSTS_ALLOWED }),
  HOSTS_ALLOWED,
  'string[] | Record<string, HostWords>',
);

const zone = section('ZoneWords', 'Hosts that may fail together: one power feed, one rack, one data centre.', {
  hosts: required(hosts, {
    what: 'The hosts of the zone. Names are unique in the whole topology.',
    tradeoff: 'Three zones with one host each survive the loss of any zone; more hosts in a zone add capacity, not zones.',
  }),
});

const region = section('RegionWords', 'Zones that are near each other (a few milliseconds).', {
  zones: named(zone),
});

export const regions = named(region);
