/**
 * The two checks that keepalived runs, in Perl because every Debian has it (perl-base is essential) and it starts in
 * 2 ms. keepalived 2.2 starts a check once a second at most, so each run watches for most of a second. Pure.
 */

export interface Endpoint {
  address: string;
  port: number;
}

/** One run watches this long (and at most one question longer); the rest of the second is for starting: a run that is
 * still there when the next is due costs that one. */
const WATCH_MS = 750;
/** Between two questions on the kept connection. A death closes it and is seen at once. */
const ASK_EVERY_MS = 100;
/** A gateway that accepts (its kernel does) but gives no answer for so long is frozen. */
export const ANSWER_LIMIT_MS = 400;
/** No host of another zone answers for so long: this host is cut off. */
const PEER_LIMIT_MS = 700;

const PREAMBLE = ['#!/usr/bin/perl', '# Made by Nines; a change here is overwritten.', 'use strict; use warnings;'];

/** `pack`ed IPv4 socket address, without loading the Socket module (3 ms of a check's 5). */
function packed({ address, port }: Endpoint): string {
  return `pack('S n C4 x8', 2, ${port}, ${address.split('.').join(', ')})`;
}

/**
 * Exit 0: the local gateway answered every time. 1: it is dead or frozen. A reload ends the connection, on all gateways at
 * the same moment, while the new worker answers already: only a new connection tells a reload from a death.
 */
export function gatewayCheckScript(gateway: Endpoint, path: string): string {
  return [
    ...PREAMBLE,
    "$SIG{PIPE} = 'IGNORE';",
    `my $left = ${WATCH_MS / 1000};`,
    `my $question = "GET ${path} HTTP/1.1\\r\\nHost: nines-keepalived\\r\\n\\r\\n";`,
    'my ($s, $answered);',
    '($s, $answered) = (dial(), 0);',
    'while ($left > 0) {',
    '  my ($count, $answer) = (0, "");',
    '  if (syswrite($s, $question)) {',
    `    exit 1 unless ready(0, ${ANSWER_LIMIT_MS / 1000});`,
    '    $count = sysread($s, $answer, 4096);',
    '  }',
    '  if ($count) {',
    '    exit 1 unless $answer =~ m{^HTTP/1\\.1 200 };',
    '    $answered = 1;',
    '    # No answer is due now: ready means closed.',
    `    next unless ready(0, ${ASK_EVERY_MS / 1000});`,
    '  }',
    '  exit 1 unless $answered;',
    '  ($s, $answered) = (dial(), 0);',
    '}',
    'exit 0;',
    'sub dial {',
    // 2048: SOCK_NONBLOCK. A frozen process with a full queue would hold a blocking connect.
    '  socket(my $new, 2, 1 | 2048, 0) or exit 1;',
    `  connect($new, ${packed(gateway)});`,
    '  $s = $new;',
    `  exit 1 unless ready(1, ${ANSWER_LIMIT_MS / 1000});`,
    '  return $new;',
    '}',
    'sub ready {',
    '  my ($for_writing, $limit) = @_;',
    '  my $set = ""; vec($set, fileno($s), 1) = 1;',
    '  my ($count, $unused) = $for_writing ? select(undef, $set, undef, $limit) : select($set, undef, undef, $limit);',
    '  $left -= $limit - $unused;',
    '  return $count > 0;',
    '}',
    '',
  ].join('\n');
}

/**
 * Exit 0: some other host answered, with a connection or a refusal. 1: silence from all of them.
 * Without other hosts there is nothing to be cut off from: exit 0.
 */
export function peersCheckScript(peers: Endpoint[]): string {
  return [
    ...PREAMBLE,
    'use Errno qw(EINPROGRESS ECONNREFUSED);',
    `my @peers = (${peers.map(packed).join(', ')});`,
    'exit 0 unless @peers;',
    'my (@open, $set); $set = "";',
    'for my $peer (@peers) {',
    // 2048: SOCK_NONBLOCK.
    '  socket(my $s, 2, 1 | 2048, 0) or exit 1;',
    '  exit 0 if connect($s, $peer) || $! == ECONNREFUSED;',
    '  next unless $! == EINPROGRESS;',
    '  push @open, $s; vec($set, fileno($s), 1) = 1;',
    '}',
    `my $left = ${PEER_LIMIT_MS / 1000};`,
    'while (@open && $left > 0) {',
    '  (my $count, $left) = select(undef, my $ready = $set, undef, $left);',
    '  last unless $count > 0;',
    '  for my $s (@open) {',
    '    next unless vec($ready, fileno($s), 1);',
    '    vec($set, fileno($s), 1) = 0;',
    '    # SO_ERROR: 0 and refused both came from the other side; unreachable came from a router or from ourselves.',
    '    my $error = unpack("i", getsockopt($s, 1, 4));',
    '    exit 0 if $error == 0 || $error == ECONNREFUSED;',
    '  }',
    '}',
    'exit 1;',
    '',
  ].join('\n');
}
