/** The page's style: light and dark, wide and narrow. */
import { groups } from './groups.ts'

export const style = `
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --panel: #fff; --line: #e1e4ea; --track: #e8ebf0;
  --ink: #1a1f2b; --soft: #566072; --link: #1b5fc1; --brand: #c8324e; --focus: #1b5fc1;
  --idle: #a9b4c6; --handling: #2f7de1; --responding: #12a594; --uploading: #8358e0;
  --upgraded: #d6409f; --arriving: #e5a00d; --closing: #e5484d;
  --by-client: #a9b4c6; --by-server: #2f7de1; --by-kernel: #8358e0; --by-operator: #e5a00d;
  --shadow: 0 1px 2px rgb(20 30 50 / .06), 0 4px 16px rgb(20 30 50 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1117; --panel: #161b24; --line: #28303d; --track: #232a36;
    --ink: #e8ecf3; --soft: #97a3b6; --link: #79b0ff; --brand: #ff6b85; --focus: #79b0ff;
    --idle: #56637a; --handling: #4c97ff; --responding: #1fc7b1; --uploading: #a583ff;
    --upgraded: #f06bbd; --arriving: #f2b632; --closing: #ff6369;
    --by-client: #56637a; --by-server: #4c97ff; --by-kernel: #a583ff; --by-operator: #f2b632;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 0 20px 40px; max-width: 1280px; background: var(--ground); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
h1, h2, p, dl, dd, ul, ol { margin: 0; padding: 0; }
ul, ol { list-style: none; }
a { color: var(--link); }
code { font: 12px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
[tabindex="-1"]:focus { outline: none; }
.soft, .note, .none, .axis, .by, dt { color: var(--soft); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

header { display: flex; justify-content: space-between; align-items: center; gap: 16px; padding: 18px 0 14px; }
h1 { display: flex; align-items: center; gap: 8px; font-size: 20px; letter-spacing: -.02em; }
h1 svg { width: 30px; height: 30px; fill: none; stroke: var(--brand); stroke-linecap: round; }
.live { display: flex; align-items: center; gap: 10px; color: var(--soft); }
#live::before {
  content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 7px; border-radius: 50%; background: var(--idle);
}
.connected #live::before { background: var(--responding); box-shadow: 0 0 0 3px color-mix(in srgb, var(--responding) 25%, transparent); }
.paused #live::before { background: var(--arriving); box-shadow: none; }
#said:empty { display: none; }
#said {
  position: fixed; z-index: 2; bottom: 20px; left: 50%; transform: translateX(-50%); padding: 10px 16px; border-radius: 8px;
  background: var(--ink); color: var(--panel); box-shadow: 0 4px 20px rgb(0 0 0 / .3);
}

button, summary { font: inherit; cursor: pointer; }
button, .acts summary {
  padding: 4px 12px; border: 1px solid var(--line); border-radius: 7px; background: var(--panel); color: var(--ink);
}
button:hover:enabled, .acts summary:hover { border-color: var(--soft); }
button:disabled { color: var(--soft); cursor: default; }
button.grave { border-color: transparent; background: #c62f3e; color: #fff; }
button.grave:hover:enabled { background: #ab2433; }
button.grave:disabled { background: var(--track); color: var(--soft); }

main { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); gap: 16px; }
#state, #figures, #budget, #lost, #upstreams, #connections, #ends { grid-column: 1 / -1; }
#state { display: flex; justify-content: space-between; align-items: center; flex-wrap: wrap; gap: 10px 16px; }
.phase { margin-right: 6px; padding: 3px 10px; border-radius: 99px; background: color-mix(in srgb, var(--arriving) 22%, var(--panel)); font-weight: 600; }
.phase.serving { background: color-mix(in srgb, var(--responding) 20%, var(--panel)); }
.phase.closed { background: color-mix(in srgb, var(--closing) 22%, var(--panel)); }
.acts { position: relative; display: flex; gap: 8px; }
.acts summary { list-style: none; }
.acts summary::-webkit-details-marker { display: none; }
.ask {
  position: absolute; z-index: 1; right: 0; top: calc(100% + 6px); width: min(280px, 80vw); padding: 14px; border: 1px solid var(--line);
  border-radius: 10px; background: var(--panel); box-shadow: 0 8px 30px rgb(0 0 0 / .2);
}
.ask button { margin-top: 10px; }

.panel, .figure, .budget { border: 1px solid var(--line); border-radius: 12px; background: var(--panel); box-shadow: var(--shadow); }
.panel { padding: 16px 18px; }
h2 { font-size: 14px; font-weight: 650; }
.panel > h2 { margin-bottom: 10px; }
.panel > .note { margin: -8px 0 8px; font-size: 13px; }

#figures dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; }
.figure { position: relative; overflow: hidden; padding: 10px 14px 20px; }
.figure dt { font-size: 12.5px; }
.figure dd { font-size: 24px; font-weight: 650; line-height: 1.25; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
small { white-space: nowrap; color: var(--soft); font-size: 12.5px; font-weight: 400; letter-spacing: 0; }
.spark { position: absolute; right: 0; bottom: 0; width: 100%; height: 22px; padding: 3px 0; }
.spark polyline { fill: none; stroke: var(--handling); stroke-width: 1.5; vector-effect: non-scaling-stroke; opacity: .7; }

#budget { display: flex; flex-wrap: wrap; gap: 16px; }
#budget[hidden] { display: none; }
.budget { flex: 1 1 320px; display: grid; grid-template-columns: 1fr auto; gap: 4px 16px; padding: 12px 18px; font-variant-numeric: tabular-nums; }
.budget .wide, .budget .soft { grid-column: 1 / -1; }
.budget .soft { font-size: 12.5px; }
.bar { display: block; width: 100%; height: 4px; border-radius: 2px; }
.bar.wide { height: 10px; border-radius: 5px; }
.track { fill: var(--track); }
.part { fill: var(--handling); }
.short .part { fill: var(--arriving); }
.full .part { fill: var(--closing); }
.mark { fill: var(--soft); }
.bar.client .part { fill: var(--by-client); } .bar.server .part { fill: var(--by-server); }
.bar.kernel .part { fill: var(--by-kernel); } .bar.operator .part { fill: var(--by-operator); }
.bar.left .part { fill: var(--soft); }

.plot {
  position: relative; height: 170px; border-bottom: 1px solid var(--line);
  background: linear-gradient(var(--line), var(--line)) 0 0 / 100% 1px no-repeat, linear-gradient(var(--line), var(--line)) 0 50% / 100% 1px no-repeat;
}
.areas { position: absolute; inset: 0; width: 100%; height: 100%; }
.plot span { position: absolute; z-index: 1; left: 0; padding: 0 4px; color: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.plot .top { top: 2px; } .plot .half { top: calc(50% + 2px); }
.axis { display: flex; justify-content: space-between; margin-top: 4px; font-size: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 0; margin: 10px -8px 0; }
.legend a { display: inline-block; padding: 2px 8px; border-radius: 99px; color: var(--ink); text-decoration: none; font-variant-numeric: tabular-nums; }
.legend a:hover { background: var(--track); }
.legend a[aria-current] { background: var(--track); box-shadow: inset 0 0 0 1px var(--soft); }
.dot { display: inline-block; width: 9px; height: 9px; margin-right: 6px; border-radius: 3px; background: var(--idle); }
.by .dot { width: 7px; height: 7px; margin-right: 4px; border-radius: 50%; }
.filter { margin-left: 8px; font-weight: 400; }
h2 a { margin-left: 8px; font-weight: 400; font-size: 13px; }
${[...groups, 'by-client', 'by-server', 'by-kernel', 'by-operator']
  .map((name) => `.dot.${name} { background: var(--${name}); } .fill.${name} { fill: var(--${name}); }`)
  .join('\n')}

table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.causes { table-layout: fixed; }
.causes th, .causes td { padding: 5px 0; vertical-align: top; }
.causes .by { display: block; font-size: 12.5px; }
.causes .number { width: 30%; padding-left: 12px; font-weight: 600; }
.causes .bar { margin-top: 4px; }

.rows thead th { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); color: var(--soft); font-size: 12.5px; white-space: nowrap; }
.rows tbody :is(th, td) { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.rows tbody tr:last-child :is(th, td) { border-bottom: 0; }
.rows tbody tr:hover { background: color-mix(in srgb, var(--track) 45%, transparent); }
.rows :is(th, td):first-child { font-variant-numeric: tabular-nums; white-space: nowrap; }
.rows .number { padding-left: 6px; padding-right: 14px; }
.state { white-space: nowrap; }
.rows .by { display: block; font-size: 12.5px; }
.due { display: grid; grid-template-columns: 62px minmax(40px, 90px) auto; align-items: center; gap: 8px; font-variant-numeric: tabular-nums; }
.due code { color: var(--soft); }
.rows .act { width: 1%; padding-right: 0; }
.rows button { padding: 1px 10px; font-size: 13px; }
.health::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 6px; border-radius: 50%; background: var(--arriving); }
.health.up::before { background: var(--responding); }
.health.down::before, .health.ejected::before { background: var(--closing); }
.strip { display: block; width: 100%; min-width: 120px; height: 10px; border-radius: 3px; }
.moves summary { list-style: none; padding: 5px 0; }
.moves summary::-webkit-details-marker { display: none; }
.moves ol { margin: 4px 0 6px; font-size: 13px; }
.moves .at { display: inline-block; min-width: 62px; margin-right: 6px; text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; }
#ends td:last-child { width: 22%; padding-right: 0; }

@media (prefers-reduced-motion: no-preference) {
  .bar .part { transition: width 1s linear; }
}
@media (max-width: 760px) {
  body { padding: 0 12px 32px; }
  main { grid-template-columns: minmax(0, 1fr); gap: 12px; }
  .panel { padding: 14px; }
  .acts { width: 100%; }
  .ask { right: auto; left: 0; }
  #figures dl { grid-template-columns: repeat(2, 1fr); gap: 10px; }
  .figure:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .rows, .rows tbody { display: block; }
  .rows thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .rows tbody tr {
    display: grid; grid-template-columns: 1fr 1fr; gap: 2px 14px; position: relative; padding: 10px 0; border-bottom: 1px solid var(--line);
  }
  .rows tbody tr:last-child { border-bottom: 0; }
  .rows tbody tr:hover { background: none; }
  .rows tbody :is(th, td) { padding: 0; border: 0; text-align: left; min-width: 0; }
  .rows tbody th { grid-column: 1 / -1; font-weight: 600; padding-right: 70px; }
  .rows tbody td:empty { display: none; }
  .rows tbody td::before { content: attr(data-name) " "; margin-right: 4px; color: var(--soft); font-size: 12.5px; }
  .rows tbody td:is([data-name="Why"], [data-name="Timeline"], [data-name="Closes in"], [data-name="Request in flight"]) { grid-column: 1 / -1; }
  .rows tbody td:is([data-name="Why"], [data-name="Timeline"], [data-name="State"], .act)::before { content: none; }
  .rows tbody .act { position: absolute; right: 0; top: 10px; width: auto; }
  .rows .by { display: inline; }
  .due { display: inline-grid; grid-template-columns: auto 70px auto; vertical-align: middle; }
  #ends td:last-child { width: auto; }
}
`
