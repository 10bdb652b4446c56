/** The look of the report: light and dark, screen and print, nothing from elsewhere. */
export const STYLE = `
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1a2230; --quiet: #5d6878; --line: #dde2ea;
  --ok: #5b8def; --median: #1f4fb4; --good: #14804a; --good-back: #e3f5ea; --bad: #c62828; --bad-back: #fdeaea;
  --doubt: #96650b; --doubt-back: #fdf3dc; --retried: #e0a020; --band: #1a22300d; }
@media (prefers-color-scheme: dark) { :root { --page: #12161d; --card: #1a2029; --text: #e6eaf0; --quiet: #98a4b5; --line: #2d3644;
  --ok: #3f6fce; --median: #a9c6ff; --good: #5fd394; --good-back: #143425; --bad: #ff7b72; --bad-back: #411b1d;
  --doubt: #f0c05a; --doubt-back: #3b2f12; --retried: #e0a020; --band: #ffffff0f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 17px; margin: 0 0 14px; font-weight: 600; }
h2 { font-size: 17px; margin: 34px 0 10px; }
h3 { font-size: 15px; margin: 0; }
p { margin: 6px 0; }
.quiet, .tick, .axis-name { color: var(--quiet); fill: var(--quiet); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; }
.verdict { border-left: 8px solid var(--good); }
.verdict.failed { border-left-color: var(--bad); }
.verdict.undecided { border-left-color: var(--doubt); }
.verdict strong.word { display: block; font-size: 30px; line-height: 1.2; color: var(--good); }
.verdict.failed strong.word { color: var(--bad); }
.verdict.undecided strong.word { color: var(--doubt); }
.verdict p { font-size: 16px; max-width: 75ch; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 14px; }
.figures div { border-top: 1px solid var(--line); padding-top: 8px; }
.figures b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 10px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 500; font-size: 13px; vertical-align: bottom; }
th:first-child, td:first-child, th.words, td.words { text-align: left; }
td:first-child { white-space: normal; min-width: 200px; }
.chip { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: 13px; font-weight: 600; background: var(--good-back); color: var(--good); }
.chip.failed { background: var(--bad-back); color: var(--bad); }
.chip.undecided { background: var(--doubt-back); color: var(--doubt); }
td.missed { color: var(--bad); font-weight: 600; }
ul.findings { margin: 10px 0 0; padding-left: 20px; }
.step { margin-top: 14px; }
.step header { display: flex; gap: 12px; align-items: baseline; flex-wrap: wrap; margin-bottom: 4px; }
.step .quiet { font-size: 14px; }
.chart { display: block; width: 100%; min-width: 640px; height: auto; }
.chart text { font: 11px system-ui, sans-serif; text-anchor: middle; }
.chart text.end { text-anchor: end; }
.chart text.axis-name { text-anchor: start; font-weight: 600; }
.chart .band { fill: var(--band); }
.chart .band-label { fill: var(--text); font-weight: 600; }
.chart .ok { fill: var(--ok); }
.chart .retried { fill: var(--retried); }
.chart .failed { fill: var(--bad); }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .scheduled { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 2 3; }
.chart .spread { stroke: var(--ok); opacity: .55; }
.chart .median { fill: none; stroke: var(--median); stroke-width: 1.2; }
.chart .fault { stroke: var(--bad); stroke-width: 1.2; stroke-dasharray: 5 3; }
.chart .fault-label { fill: var(--bad); font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--quiet); margin-top: 6px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; }
.zones { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 14px; }
.unit { display: inline-block; border: 1px solid var(--line); border-radius: 6px; padding: 1px 8px; margin: 3px 4px 0 0; font-size: 13px; }
.unit.first { border-color: var(--median); color: var(--median); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 18px; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
@media (max-width: 640px) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@media print { body { background: none; } .card { break-inside: avoid; } }
`;
