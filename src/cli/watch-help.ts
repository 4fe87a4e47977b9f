/** The help of the live screen, for 80 columns. */
import type { TerminalStyle } from '../view/index.js';

const keys: readonly string[] = [
  'Keys',
  '  up down j k    choose a connection       page up, page down, g, G   by pages',
  '  enter          its ladder, as it grows   esc   back to the list',
  '  /              filter (empty: all)       s S   next, previous order',
  '  space          hold the screen still; packets are still read',
  '  f              the whole summary and all findings',
  '  w              write what is on the screen to a text file',
  '  p P            write the packets of the listed connections, or all recent ones',
  '  ctrl-l         draw anew                 ctrl-z   stop (fg goes on)',
  '  q ctrl-c       end, with a summary',
  '',
  'Filters',
  '  tcp.port == 8191     ip.addr == 10.0.0.0/8     http.response.code >= 500',
  '  http.time > 1.5      tcp.flags.reset == 1      ending.by == server      !http',
  '',
  'Signs',
];

const signs: readonly string[] = [
  '  ├ opened   ┊ begun before   █ answer   ░ waiting   ▒ sending   · idle',
  '  4 5 ~ at the end of an answer: client error, server error, not finished',
  '  ° keep-alive probe   ! sent again   z no room   ? no answer   ⋯12⋯ 12 more',
  '  ┤ FIN   ╳ RST   → open',
];

const plainSigns: readonly string[] = [
  '  | opened   : begun before   # answer   - waiting   % sending   . idle',
  '  4 5 ~ at the end of an answer: client error, server error, not finished',
  '  o keep-alive probe   ! sent again   z no room   ? no answer   ..12.. 12 more',
  '  | FIN   X RST   > open',
];

const notes: readonly string[] = [
  '',
  'Findings are those of connections that have ended. When too many packets come,',
  'the last line says how many were seen: what is told of missing packets is then',
  'not the fault of the network.',
];

export const watchHelp = ({ unicode }: TerminalStyle): string[] => [...keys, ...(unicode ? signs : plainSigns), ...notes];
