/**
 * The signs of the pictures, defined once for all of them: each lies around the origin, on the line of life. Signs of the client
 * stand above the line, signs of the server below.
 */
import { type Markup, markup } from '../markup.js';

export const symbolDefinitions: Markup = markup`<defs>
<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="5" height="5"/><line class="hatch-line" x1="1" x2="1" y2="5"/></pattern>
<pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse"><rect class="hatch-ground" width="4" height="4"/><circle class="dot" cx="2" cy="2" r="1.35"/></pattern>
<pattern id="folded" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><line class="fold-line" x1="1" x2="1" y2="6"/></pattern>
<g id="s-probe"><circle class="g-probe" r="3"/></g>
<g id="s-repeat"><path class="g-warn" d="M0-4.5V.5M0 3.6V3.7"/></g>
<g id="s-stall"><path class="g-warn" d="M-2.6-3H2.6L-2.6 3H2.6"/></g>
<g id="s-missing"><path class="g-warn" d="M-3-3L3 3M3-3L-3 3"/></g>
<g id="s-fin"><path class="g-line" d="M0-4V4"/></g>
<g id="s-reset"><path class="g-bad" d="M-3-3L3 3M3-3L-3 3"/></g>
<g id="e-fin"><path class="g-line" d="M0-8V8"/></g>
<g id="e-rst"><path class="g-bad" d="M-5-5L5 5M5-5L-5 5"/></g>
<g id="e-timeout"><path class="g-bad" d="M0-8V-4M0-2V2M0 4V8"/></g>
<g id="e-open"><path class="g-line" d="M0 0H8M4.5-3.5L8 0L4.5 3.5"/></g>
<g id="c-client"><path class="g-close" d="M-4-15H4L0-9.5Z"/></g>
<g id="c-server"><path class="g-close" d="M-4 15H4L0 9.5Z"/></g>
</defs>`;
