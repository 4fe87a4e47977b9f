/**
 * The style of the page: one column, wide pictures, text in the reader's own fonts; light, dark and paper; from 320 pixels on.
 * A narrow window turns the rows of the timeline into blocks. The policy of the page allows this very text by its hash.
 */
import { colourStyle, pictureStyle } from '../svg/picture-style.js';

/** SHA-256 of `pageStyle` in base64; a test says what it must be. */
export const pageStyleHash = 'qExyUoPT1D5DfIE3ZzrW+bXjlzV7hS1wISkmDoFenaQ=';

const base = `*,*::before,*::after{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%;scroll-padding-top:3.5rem}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
main,.page-head,footer{max-width:88rem;margin:0 auto;padding:0 clamp(1rem,3vw,2.5rem)}
h1,h2,h3{line-height:1.25;margin:0;text-wrap:balance}
h2{font-size:1.35rem;margin:3rem 0 1rem;padding-top:1.25rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem}
p{margin:.4rem 0}
a{color:var(--info);text-underline-offset:.15em}
code{font:.9em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
:focus-visible{outline:3px solid var(--info);outline-offset:2px;border-radius:3px}
:target{background:var(--mark)}
[hidden]{display:none!important}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.definitions{position:absolute}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.3rem .6rem;z-index:9}
.soft{color:var(--soft)}
.tone-good{color:var(--good)}.tone-bad{color:var(--bad)}.tone-warning,.tone-notable{color:var(--warning)}.tone-neutral{color:var(--soft)}
.count{font-weight:400;color:var(--soft);font-size:.8em;font-variant-numeric:tabular-nums}
.page-head{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 1.25rem;padding-top:1.1rem;padding-bottom:1.1rem}
.page-head p{margin:0}.maker{font-weight:700;letter-spacing:.01em}
footer{margin-top:4rem;padding-bottom:2rem;color:var(--soft);font-size:.85rem}
.omitted,.empty,.no-fix{color:var(--soft)}`;

const verdict = `.verdict{border:1px solid var(--line);border-left:6px solid var(--edge);border-radius:6px;padding:1.4rem clamp(1rem,2.5vw,2rem) 1.5rem;background:var(--raised)}
.verdict.bad{border-left-color:var(--bad)}.verdict.warning{border-left-color:var(--warning)}.verdict.info{border-left-color:var(--info)}.verdict.good{border-left-color:var(--good)}
.verdict .level{margin:0 0 .5rem}
.verdict h1{font-size:clamp(1.35rem,2.6vw,1.95rem);letter-spacing:-.01em;max-width:50ch}
.badge{display:inline-block;font-size:.78rem;font-weight:700;line-height:1;padding:.32em .6em;border-radius:4px;white-space:nowrap;background:var(--raised);color:var(--soft);border:1px solid currentColor}
.badge.bad{color:var(--bad);background:var(--bad-tint)}.badge.warning{color:var(--warning);background:var(--warning-tint)}.badge.info{color:var(--info);background:var(--info-tint)}.badge.good{color:var(--good);background:var(--good-tint)}
.answers{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem;margin:1.2rem 0 0}
.answers dt,.minor-title{font-size:.85rem;font-weight:600;color:var(--soft);margin:0;padding:0;border:0}
.answers dd{margin:.15rem 0 0;font-size:1.1rem;font-weight:600}
.answers .change{flex:1 1 26rem}
.answers .change dd code{display:block;font-size:.95rem;font-weight:600;background:var(--ground);border:1px solid var(--line);border-radius:4px;padding:.5rem .7rem;white-space:pre-wrap}
.answers .change dd p{font-size:.92rem;font-weight:400;margin:.35rem 0 0}
.for{color:var(--ink)}
.shares{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem 2.5rem;margin-top:1.5rem}
.share p{margin:.1rem 0 .45rem}
.share-bar{display:block;border-radius:3px;overflow:hidden}
.key{stroke-width:1}
.key.w-open{fill:var(--ground);stroke:var(--edge);stroke-dasharray:3 2}
.keys,.legend{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;list-style:none;margin:.4rem 0 0;padding:0;font-size:.85rem;color:var(--soft)}
.key-sign{vertical-align:-1px}
.limits{margin:.3rem 0 0;padding-left:1.1rem;color:var(--soft);font-size:.92rem}
.verdict>.minor-title{margin-top:1.3rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;list-style:none;padding:0;margin:1.1rem 0 0;font-size:.95rem}
nav+section>h2{margin-top:1.5rem}`;

const findings = `.finding{padding:1.1rem 0 1.2rem;border-bottom:1px solid var(--line)}
.finding:last-of-type{border-bottom:0}
.finding header{display:flex;flex-wrap:wrap;gap:.3rem .8rem;align-items:center}
.finding h3{flex:1 1 20rem}
.meta{display:flex;flex-wrap:wrap;gap:0 1.4rem;color:var(--soft);font-size:.88rem;margin:.35rem 0}
.meta b{color:var(--ink)}
.detail{max-width:95ch}
.evidence{margin:.5rem 0;display:grid;gap:.25rem}
.evidence div{display:flex;gap:.6rem}.evidence dt{flex:0 0 6.5rem;color:var(--soft);font-size:.88rem}.evidence dd{margin:0}
.pill{font-variant-numeric:tabular-nums;white-space:nowrap}
.more{color:var(--soft)}
details summary{cursor:pointer}
.finding details p{max-width:80ch}
.finding details summary{color:var(--info);font-size:.92rem}
.others{padding-left:1.1rem;max-width:95ch}.others li{margin:.5rem 0}
.cleared{list-style:none;padding:0;margin:0;max-width:95ch}
.cleared li{padding:.25rem 0 .25rem 1.7rem;position:relative}
.cleared li::before{content:"✓";position:absolute;left:.2rem;color:var(--good);font-weight:700}
.server{margin:1.2rem 0 2rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:.8rem 2rem;margin:.6rem 0}
.facts dt{color:var(--soft);font-size:.85rem}.facts dd{margin:0;font-variant-numeric:tabular-nums}
#capture .facts{grid-template-columns:1fr;gap:.35rem}#capture .facts div{display:flex;gap:1rem}#capture .facts dt{flex:0 0 5.5rem;padding-top:.1rem}
.problems{color:var(--warning);padding-left:1.1rem}`;

const tables = `table{border-collapse:collapse;width:100%;font-size:.9rem}
caption,.table-title{text-align:left;color:var(--soft);font-size:.88rem;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0}
thead th{font-weight:600;color:var(--soft);border-bottom:1px solid var(--edge);vertical-align:bottom;white-space:nowrap}
tbody th{font-weight:600}
tbody tr{border-bottom:1px solid var(--line)}
td[data-value]{font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;position:relative}.clients th,.clients td{white-space:nowrap}
.fixes{width:auto;max-width:100%}.fixes th{white-space:nowrap}.fixes code{white-space:pre-wrap}
.compared code{font-size:.8rem;white-space:nowrap}.compared td{font-variant-numeric:tabular-nums}.compared td span{display:block;white-space:nowrap}.changes{margin:0;padding-left:1.1rem;min-width:16rem}
.sort{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;white-space:nowrap}
.sort::after{content:"↕";margin-left:.3em;opacity:.45}
th[aria-sort=ascending] .sort::after{content:"↑";opacity:1}th[aria-sort=descending] .sort::after{content:"↓";opacity:1}
.filter{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1.5rem;margin:.8rem 0 .2rem;font-size:.92rem}
.filter input[type=search]{font:inherit;color:var(--ink);background:var(--ground);border:1px solid var(--edge);border-radius:4px;padding:.3rem .5rem;width:min(20rem,60vw)}
.filter output{color:var(--soft)}
.legend{margin-bottom:.3rem}.legend li{display:flex;align-items:center;gap:.35rem}
.legend-sign{overflow:visible}
.timeline thead th{position:sticky;top:0;background:var(--ground);z-index:2}
.timeline th,.timeline td{vertical-align:middle;padding-top:0;padding-bottom:0}
.timeline tbody tr:hover,.exchanges tbody tr:hover{background:var(--raised)}
.timeline .c-id{width:3.6rem}.timeline .c-opened{width:7.2rem;font-variant-numeric:tabular-nums}.timeline .c-ends{width:12rem}.timeline .c-requests{width:6.4rem}.timeline .c-ending{width:13.2rem;padding-right:0}
.c-ends code{display:block;font-size:.8rem;line-height:1.35;white-space:nowrap}
.c-life{padding-right:1.2rem!important}
.lane,.axis{display:block;overflow:visible}
.timeline{table-layout:fixed}.c-strip .soft{font-weight:400}
.timeline thead th.c-life{padding-bottom:0}
.timeline tr:target .c-id{box-shadow:inset 4px 0 var(--info)}
.exchanges td,.exchanges th{white-space:nowrap}
.exchanges .c-request,.waits .c-request{white-space:normal;min-width:16rem;max-width:46rem}
.exchanges .c-request code b{font-weight:700}
.c-waits{width:9rem;min-width:7rem}.c-waits svg{display:block;margin-top:.3rem}
.c-status{font-weight:600}`;

const ladders = `.ladder{border:1px solid var(--line);border-radius:6px;margin:.8rem 0;padding:0 1rem}
.ladder>summary{padding:.65rem 0;font-size:1rem}
.ladder-name{font-weight:700;margin-right:.4rem}.ladder-ending{margin-left:.6rem}
.ladder[open]{padding-bottom:1rem}
.rungs{max-width:70rem;font-variant-numeric:tabular-nums}
.rungs tbody tr{border:0}
.rungs thead th{border-bottom:0;padding-bottom:.1rem}
.rungs td,.rungs th{padding:.12rem .9rem .12rem 0}
.r-packet{width:6.5rem;text-align:right}.r-time{width:7rem;text-align:right}.r-since{width:5.5rem;text-align:right}
td.r-time,td.r-since{color:var(--soft)}
th.r-packet,td.r-time,td.r-since{font-size:.85rem;white-space:nowrap}
.rungs .r-message{position:relative;padding:.12rem 1.6rem .5rem;border-left:2px solid var(--edge);border-right:2px solid var(--edge)}
.rungs thead .r-message{border-color:transparent;padding:0}
.ends{display:flex;justify-content:space-between}.ends span:first-child{color:var(--client)}.ends span:last-child{color:var(--server)}
.from-server .r-message{text-align:right}
.arrow{position:absolute;left:0;right:0;bottom:.22rem;border-top:1.5px solid currentColor}
.arrow::after{content:"";position:absolute;top:-.32rem;width:0;height:0;border:.28rem solid transparent}
.from-client .arrow::after{right:0;border-left:.5rem solid currentColor;border-right:0}
.from-server .arrow::after{left:0;border-right:.5rem solid currentColor;border-left:0}
.t-plain .r-message{color:var(--soft)}
.t-request .arrow{color:var(--client)}.t-response .arrow{color:var(--good)}
.t-client-error .label,.t-client-error .arrow,.t-warning .label,.t-warning .arrow,.t-repeat .label,.t-repeat .arrow{color:var(--warning)}
.t-server-error .label,.t-server-error .arrow,.t-reset .label,.t-reset .arrow{color:var(--bad)}
.t-probe .label,.t-probe .arrow{color:var(--info)}
.t-request .label,.t-response .label,.t-server-error .label,.t-client-error .label,.t-reset .label,.t-close .label{font-weight:600}
.t-probe .arrow,.t-repeat .arrow{border-top-style:dashed}.t-reset .arrow{border-top:4px double currentColor;bottom:.12rem}.t-close .arrow{border-top-width:2.5px;bottom:.16rem}
.proves .r-packet,.proves .label{background:var(--mark)}
.proof{color:var(--bad)}
.rung-break .r-message{text-align:center;border-left-style:dotted;border-right-style:dotted;color:var(--soft);padding:.55rem 1.6rem;font-style:italic}
.rung-break.for-server .r-message{text-align:right;color:var(--warning)}.rung-break.for-client .r-message{text-align:left;color:var(--warning)}
.rung-omission .r-message{text-align:center;border-style:none dotted;color:var(--soft);padding:.5rem 0}
.rung:target .r-message,.rung:target .r-packet{background:var(--mark)}
.waits{width:auto;margin-top:1rem}.waits td,.waits th{white-space:nowrap}`;

const narrow = `@media screen and (max-width:56rem){
.timeline,.timeline thead,.timeline tbody{display:block}
.timeline caption{display:block}
.timeline tr{display:grid;grid-template-columns:auto 1fr auto;gap:0 .8rem;align-items:baseline;padding:.4rem 0 .1rem}
.timeline thead{position:sticky;top:0;background:var(--ground);z-index:2}
.timeline thead tr{display:flex;flex-wrap:wrap;padding:0}
.timeline thead th{position:static;border:0;padding:0}
.timeline thead th.c-ends,.timeline thead th.c-ending{display:none}
.timeline thead th.c-life{flex:1 0 100%;border-bottom:1px solid var(--edge)}
.timeline th,.timeline td{width:auto!important;padding:0}
.timeline .c-life{grid-column:1/-1;padding-right:0!important}
.timeline tbody .c-ends{grid-column:2/-1;grid-row:1}
.timeline tbody .c-id{grid-column:1;grid-row:1}
.timeline tbody .c-opened{grid-column:1/3;grid-row:3;font-size:.82rem;color:var(--soft)}
.timeline tbody .c-requests{display:none}
.timeline tbody .c-ending{grid-column:3;grid-row:3;text-align:right;font-size:.85rem}
.timeline tbody .c-strip{grid-column:1/-1}
.minor{display:none}
.answers .change{flex-basis:100%}
.evidence div{display:block}
.fixes,.fixes caption,.fixes tbody,.fixes tr,.fixes th,.fixes td{display:block}.fixes thead{position:absolute;clip-path:inset(50%)}
.fixes td,.fixes th{padding:.1rem 0;white-space:normal}.fixes tr{padding:.4rem 0}
.exchanges,.exchanges tbody{display:block}.exchanges thead{position:absolute;clip-path:inset(50%)}.exchanges caption{display:block}
.exchanges tr{display:flex;flex-wrap:wrap;gap:0 .9rem;padding:.5rem 0}
.exchanges td,.exchanges th{display:block;padding:0}
.exchanges .c-request{flex:1 0 100%;order:-1;min-width:0}
.exchanges td[data-label]::before{content:attr(data-label) " ";color:var(--soft)}
.exchanges .c-waits{flex:1 0 100%;width:auto}
.exchanges .c-opened{color:var(--soft)}
.r-since,.rungs .r-time{display:none}
.rungs .r-packet{width:3.2rem}
.ladder{padding:0 .6rem}
.rungs .r-message{padding-left:.7rem;padding-right:.7rem}
.waits{font-size:.82rem}.waits .c-request{min-width:9rem}
.ladder-ending{display:block;margin-left:0}
#capture .facts div{display:block}
}`;

const paper = `@media print{
:root{color-scheme:light}
body{font-size:10pt;background:#fff}
main,.page-head,footer{max-width:none;padding:0}
nav,.filter,.skip,.sort::after{display:none}
h2{margin-top:1.5rem;break-after:avoid}h3{break-after:avoid}
.verdict,.finding,.server h3,.facts,tr{break-inside:avoid}
.timeline thead th{position:static}
.ladder::details-content{content-visibility:visible;block-size:auto}
.finding details:not([open]){display:none}
.timeline .c-id{width:2.9rem}.timeline .c-opened{width:5.3rem}.timeline .c-ends{width:8.4rem}.timeline .c-requests{width:4.2rem}.timeline .c-ending{width:6.6rem}.timeline .c-id,.timeline .c-opened,.timeline .c-requests{font-size:7.5pt;white-space:nowrap}.timeline th,.timeline td{padding-right:.4rem}.c-ends code{font-size:7pt}.timeline thead th{white-space:normal}
.exchanges .c-request,.waits .c-request{min-width:0}.minor{display:none}
.ladder{border:0;padding:0}
.ladder>summary{list-style:none;font-weight:700}
a{color:inherit;text-decoration:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.scroll{overflow:visible}
table{font-size:8.5pt}.exchanges td,.exchanges th,.clients td,.clients th{white-space:normal}
.exchanges .c-waits{display:none}
}`;

export const pageStyle = [colourStyle(':root'), base, verdict, findings, tables, pictureStyle, ladders, narrow, paper].join('\n');
