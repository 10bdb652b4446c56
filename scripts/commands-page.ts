/** docs/reference/commands.md, from the program itself; the shapes of `--json` are told here. */
import { createProgram } from '../packages/nines/src/cli/main.ts';

const LEADER_CHANGE =
  '`{"group", "from": {"host", "term"} or null, "to": {"host", "term"}, "reason", "tookMs"}`; `tookMs` until the new leader admits clients';

/** What `--json` prints on standard output, for each command that has it. */
const JSON_SHAPES: Record<string, string> = {
  init: '`{"folder", "files": ["nines.config.ts", ..]}`',
  doctor: 'what [doctor](doctor.md) describes',
  up: '`{"lab", "url", "tookMs", "hosts": [HOST, ..]}`; `url` is null without a gateway',
  status:
    '`{"lab", "revision", "gateway", "ready", "missing": [{"unit", "host", "reason"}, ..], "postgres": {GROUP: VIEW or null}, "hosts": [{"host", "state": HOST or null, "error": null or text}, ..]}`',
  logs: '`[{"unit", "host", "lines": [text, ..], "error": null or text}, ..]`; exit 1 when a host did not give its logs',
  apply:
    '`{"changes": [{"line", ..}, ..], "applied", "revision"}`; `line` is the change in words, `applied` is false for `--dry-run` and when there is nothing to change',
  restart: '`{"restarted": [{"unit", "host"}, ..]}`',
  explain:
    'one document per line; for each decision `{"atMs", "host", "group", "rule", "name", "reason", "held": ["RULE/WALL", ..], "epoch", "term", "event", "commands": [name, ..]}` (`atMs` since 1970 by that host\'s clock; `rule` 0 is the agent itself; `held` are rules that were passed over, and what stood in their way), with `--rules` for each rule `{"number", "name", "phases", "says", "walls": {name: words}}`; exit 1 when a host did not give its decisions',
  switchover: LEADER_CHANGE,
  failover: `${LEADER_CHANGE}; nothing when it was not agreed to`,
  pause: '`{"group", "paused": true, "reason"}`',
  resume: '`{"group", "paused": false, "reason"}`',
  reinit: '`{"group", "host", "leader", "reason", "tookMs"}`; `tookMs` until it follows again',
  down: '`{"removed": [lab, ..]}`',
};

const HOST_SHAPE = `\`HOST\` is what an agent says of its host:

| key | meaning |
|---|---|
| \`host\`, \`zone\`, \`region\`, \`address\`, \`cluster\` | which host |
| \`revision\` | of the desired state that it works on |
| \`storeReachable\` | whether it reached etcd in its last try |
| \`agent\` | \`{"pid", "startedAtMs", "rssBytes"}\` of the agent itself |
| \`disk\` | \`{"freeBytes", "sizeBytes"}\` of the file system of its data |
| \`certificates\` | \`[{"name", "expiresAtMs"}, ..]\` |
| \`atMs\` | when it said so, milliseconds since 1970 |
| \`units[].name\`, \`.engine\`, \`.group\` | which unit; \`group\` is null for engines of the whole cluster |
| \`units[].condition\` | \`stopped\`, \`preparing\`, \`starting\`, \`ready\`, \`unready\`, \`stopping\`, \`backing-off\`, \`crash-looping\` |
| \`units[].ready\`, \`.role\`, \`.reason\`, \`.details\` | what it was last seen to be, and why |
| \`units[].pid\`, \`.startedAtMs\` | its process, as seen on the host; null without one |
| \`units[].restarts\` | deaths and replacements since its agent started |
| \`units[].outdated\` | its process runs with settings from before: its turn in an \`apply\` has not come |
| \`units[].restartCount\` | how often a restart had been asked for when its process started |
| \`units[].listens\` | \`[{"address", "port", "what"}, ..]\` |`;

const VIEW_SHAPE = `\`VIEW\` is how a PostgreSQL group is led, by the agent that knows best:

| key | meaning |
|---|---|
| \`group\` | its name in the topology |
| \`leader\` | \`{"node", "host", "address", "port", "term"}\` of the member that admits clients; null while nobody is known to |
| \`epoch\`, \`term\` | attempts to change the leadership, and leaders, counted |
| \`phase\` | \`open\`, \`electing\`, \`promoting\`, \`unknown\` |
| \`lone\` | the leader acknowledges by itself: one more loss loses acknowledged writes |
| \`paused\` | no automatic failover |
| \`replicas[]\` | standbys that stream, the least behind first: \`{"node", "host", "address", "port", "lagBytes", "counted"}\`; \`lagBytes\` null: not known; \`counted\`: a commit may wait for it |
| \`proven\` | it is the leader's own word, and fresh proof stands behind it |`;

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

export function commandsPage(): string {
  const program = createProgram(new AbortController().signal);
  const help = program.createHelp();
  const blocks = program.commands.flatMap((command) => {
    const name = command.name();
    const words = command.registeredArguments.map((argument) => [argument.name(), argument.description] as const);
    const options = command.options.map((option) => [option.flags, help.optionDescription(option)] as const);
    const shape = JSON_SHAPES[name];
    if ((shape !== undefined) !== command.options.some((option) => option.long === '--json')) {
      throw new Error(`the shape of 'nines ${name} --json' is to be told in scripts/commands-page.ts, exactly when there is one`);
    }
    return [
      `## \`nines ${name}\``,
      '',
      sentence(command.description()),
      '',
      '| word | meaning |',
      '|---|---|',
      ...[...words, ...options].map(([word, meaning]) => `| \`${word.replaceAll('|', '\\|')}\` | ${meaning.replaceAll('|', '\\|')} |`),
      '',
      ...(shape === undefined ? [] : [`\`--json\` prints ${shape}.`, '']),
    ];
  });
  return [
    '# Commands',
    '',
    'Results go to standard output, what is said on the way goes to standard error. Exit codes and errors: [errors](errors.md).',
    'With `--json` a failed command prints `{"error": {"code", "message", "hint"}}` instead, also for a wrong command line.',
    'Colours appear on a terminal only; `NO_COLOR` switches them off.',
    '',
    ...blocks,
    '## What an agent says of its host',
    '',
    HOST_SHAPE,
    '',
    '## What an agent says of a PostgreSQL group',
    '',
    VIEW_SHAPE,
    '',
  ].join('\n');
}
