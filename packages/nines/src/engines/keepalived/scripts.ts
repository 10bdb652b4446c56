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
/** Between two rounds of connections to all other hosts: one lost packet is no cut. */
const PEER_ROUND_MS = 250;
/** No other host answers in so many rounds: this one is cut off. */
const PEER_ROUNDS = 3;
/** Of the agent: at the start of the watch, in the middle and at its end. */
const AGENT_ASK_EVERY_MS = 350;
/** No answer to a question for so long: the agent is frozen or gone. One that is killed is back within about a second, within two on a busy machine. */
const AGENT_SILENCE_MS = 2_500;
/** After so long even a run in which the agent fell silent at the last question has ended. */
export const HOST_CHECK_LIMIT_S = 4;

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
 * Exit 0: the agent answered, and some other host did, with a connection or a refusal. 1: the agent is frozen or gone, or all
 * others are silent. Without other hosts there is nothing to be cut off from.
 * @param agent its socket for the services of the host, and what it is asked; null: nobody routes but HAProxy itself.
 */
export function hostCheckScript(peers: Endpoint[], agent: { socketFile: string; path: string } | null): string {
  return [
    ...PREAMBLE,
    'use Errno qw(EINPROGRESS ECONNREFUSED);',
    `my @peers = (${peers.map(packed).join(', ')});`,
    'exit 1 unless !@peers || peer_answers();',
    ...(agent === null ? ['exit 0;'] : agentLines(agent)),
    ...peerLines(),
    '',
  ].join('\n');
}

function agentLines({ socketFile, path }: { socketFile: string; path: string }): string[] {
  return [
    "$SIG{PIPE} = 'IGNORE';",
    `my $question = "GET ${path} HTTP/1.1\\r\\nHost: nines-keepalived\\r\\n\\r\\n";`,
    `my ($left, $silent, $s) = (${(2 * AGENT_ASK_EVERY_MS) / 1000}, 0);`,
    `while ($silent < ${AGENT_SILENCE_MS / 1000}) {`,
    '  my $took = 0;',
    '  if (agent_answers()) {',
    '    exit 0 if $left <= 0;',
    '    $silent = 0;',
    `    (undef, $took) = readable(${AGENT_ASK_EVERY_MS / 1000});`,
    `  } elsif ($silent < ${AGENT_SILENCE_MS / 1000}) {`,
    `    select(undef, undef, undef, $took = ${ASK_EVERY_MS / 1000});`,
    '    $silent += $took;',
    '  }',
    '  $left -= $took;',
    '}',
    'exit 1;',
    'sub agent_answers {',
    '  my $answer = "";',
    '  unless ($s) {',
    // A frozen agent's kernel goes on accepting, until the queue is full: then it refuses at once.
    '    socket($s, 1, 1 | 2048, 0) or exit 1;',
    `    return close_it() unless connect($s, pack('S Z*', 1, ${perlString(socketFile)}));`,
    '  }',
    '  return close_it() unless syswrite($s, $question);',
    `  my ($ready, $took) = readable(${AGENT_SILENCE_MS / 1000} - $silent);`,
    '  $silent += $took;',
    '  return 1 if $ready && sysread($s, $answer, 4096) && $answer =~ m{^HTTP/1\\.1 200 };',
    '  return close_it();',
    '}',
    'sub close_it {',
    '  undef $s;',
    '  return 0;',
    '}',
    'sub readable {',
    '  my ($limit) = @_;',
    '  my $set = ""; vec($set, fileno($s), 1) = 1;',
    '  my ($count, $unused) = select($set, undef, undef, $limit);',
    '  return ($count > 0, $limit - $unused);',
    '}',
  ];
}

function peerLines(): string[] {
  return [
    'sub peer_answers {',
    '  my (@open, $set); $set = "";',
    `  for (1 .. ${PEER_ROUNDS}) {`,
    '    for my $peer (@peers) {',
    // 2048: SOCK_NONBLOCK.
    '      socket(my $new, 2, 1 | 2048, 0) or exit 1;',
    '      return 1 if connect($new, $peer) || $! == ECONNREFUSED;',
    '      next unless $! == EINPROGRESS;',
    '      push @open, $new; vec($set, fileno($new), 1) = 1;',
    '    }',
    `    my $left = ${PEER_ROUND_MS / 1000};`,
    '    while ($left > 0) {',
    '      (my $count, $left) = select(undef, my $ready = $set, undef, $left);',
    '      last unless $count > 0;',
    '      for my $each (@open) {',
    '        next unless vec($ready, fileno($each), 1);',
    '        vec($set, fileno($each), 1) = 0;',
    '        # SO_ERROR: 0 and refused both came from the other side; unreachable came from a router or from ourselves.',
    '        my $error = unpack("i", getsockopt($each, 1, 4));',
    '        return 1 if $error == 0 || $error == ECONNREFUSED;',
    '      }',
    '    }',
    '  }',
    '  return 0;',
    '}',
  ];
}

function perlString(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
