/**
 * The style of all pictures, in a page and alone: colours by meaning, light and dark. Text on its background has a contrast of at least
 * 4.5, marks of at least 3 (WCAG 2.2, 1.4.3 and 1.4.11). No meaning rests on colour alone: who was waited on has a pattern, how it
 * went a sign.
 */

const light = `--ground:#fff;--raised:#f6f7f9;--ink:#16181d;--soft:#545b68;--line:#dde1e7;--edge:#7d8594;
--client:#0b7d72;--network:#b8520b;--server:#4053d3;
--bad:#b42318;--warning:#8f5608;--good:#1a7a41;--info:#2f5fa8;
--bad-tint:#fdeeec;--warning-tint:#fdf3e1;--good-tint:#e9f6ee;--info-tint:#ebf1fa;--mark:#fff3bf`;

const dark = `--ground:#13151a;--raised:#1c1f26;--ink:#e8eaf0;--soft:#a6adbb;--line:#30353f;--edge:#7b8394;
--client:#4fd1c0;--network:#f5a35c;--server:#96a6ff;
--bad:#ff938a;--warning:#f0b357;--good:#70d495;--info:#92b8f3;
--bad-tint:#36201f;--warning-tint:#33291a;--good-tint:#1a2e22;--info-tint:#1d2836;--mark:#4b4215`;

/** `root`: the selector that the colours belong to. Paper is light. */
export const colourStyle = (root: string): string => `${root}{${light}}
@media screen and (prefers-color-scheme:dark){${root}{${dark}}}`;

export const pictureStyle = `.life{stroke:var(--edge);stroke-width:1.5}
.life.late{stroke-dasharray:2 3}
.opening{stroke:var(--edge);stroke-width:5}
.bytes{fill:var(--raised);stroke:var(--edge);stroke-width:1}
.bar{stroke-width:1.2}
.bar.w-server,.key.w-server{fill:var(--server);stroke:var(--server)}
.bar.w-network,.key.w-network{fill:url(#hatch);stroke:var(--network)}
.bar.w-client,.key.w-client{fill:url(#dots);stroke:var(--client)}
.bar.none{stroke-dasharray:3 2;fill-opacity:.35}
.hatch-ground{fill:var(--ground)}.hatch-line{stroke:var(--network);stroke-width:2.4}.dot{fill:var(--client)}
.fold{fill:url(#folded)}.fold-line{stroke:var(--line);stroke-width:1.5}
.grid{stroke:var(--line);stroke-width:1}
.sign{font:700 11px/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--bad);text-anchor:middle}
.sign.warning{fill:var(--warning)}
.outlined{paint-order:stroke;stroke:var(--ground);stroke-width:3px;stroke-linejoin:round}
.g-line{fill:none;stroke:var(--ink);stroke-width:1.6;stroke-linecap:round}
.g-fill{fill:var(--ink)}
.g-warn{fill:none;stroke:var(--warning);stroke-width:1.8;stroke-linecap:round}
.g-bad{fill:none;stroke:var(--bad);stroke-width:2.2;stroke-linecap:round}
.g-badfill{fill:var(--bad)}
.g-probe{fill:var(--ground);stroke:var(--info);stroke-width:1.6}
.g-close{fill:var(--ink)}
.area{fill:var(--server);fill-opacity:.3;stroke:var(--server);stroke-width:1}
.tick{font:11px/1 system-ui,sans-serif;font-variant-numeric:tabular-nums;fill:var(--soft)}
.folded-time{font:600 11px/1 system-ui,sans-serif;fill:var(--ink);text-anchor:middle}`;
