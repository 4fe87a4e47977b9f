/**
 * `watch` on a terminal: what the keys do and what is on the screen. Frames are drawn by a timer, at most ten a second, and less often
 * when drawing takes long: packets come first.
 */
import type { ConnectionId } from '../base/index.js';
import { type Connection, type ConnectionPredicate, FilterError, parseFilter } from '../story/index.js';
import {
  type Diagnosed,
  escapeName,
  type LiveMessage,
  type LiveRow,
  type LiveScreen,
  layOutLive,
  liveBodyRows,
  liveRow,
  plainPalette,
  renderConnection,
  renderLiveScreen,
  renderSummary,
  type TerminalStyle,
} from '../view/index.js';
import type { Key, TerminalScreen } from './terminal-screen.js';
import type { Feed } from './watch-feed.js';
import { watchHelp } from './watch-help.js';
import { type LossMeter, RateMeter } from './watch-meters.js';
import { chooseRows, type Order, orders, orderWords } from './watch-rows.js';
import type { WatchSession } from './watch-session.js';

export interface WatchScreenOptions {
  readonly session: WatchSession;
  readonly feed: Feed;
  readonly losses: LossMeter;
  /** The style for a screen of so many columns. */
  readonly styleOf: (columns: number) => TerminalStyle;
  /** What is watched, escaped. */
  readonly title: string;
  readonly filter: string;
  readonly save: {
    readonly text: (lines: readonly string[]) => Promise<string>;
    /** Null: there are no packets to save. */
    readonly packets: ((connections: readonly Connection[] | null) => Promise<string>) | null;
  };
  /** The person wants to end. */
  readonly quit: () => void;
}

const frameMs = 100;
const listMs = 400;
const findingsMs = 2000;
/** Drawing, choosing and judging take at most one part in so many of the time. */
const share = 20;
const messageMs = 6000;
const promptLimit = 500;

type View = 'list' | 'connection' | 'findings' | 'help';

export class WatchScreen {
  readonly #options: WatchScreenOptions;
  readonly #startedMs = performance.now();
  readonly #packetRate = new RateMeter();
  readonly #requestRate = new RateMeter();
  #terminal: TerminalScreen | null = null;
  #timer: NodeJS.Timeout | null = null;
  #view: View = 'list';
  #pausedAtNs: number | null = null;
  #ended = false;
  #endedMs: number | null = null;
  #order: Order = 'newest';
  #filterText: string;
  #filter: ConnectionPredicate | null;
  #typed: string | null = null;
  #shown: readonly Connection[] = [];
  #rows: readonly LiveRow[] | null = null;
  #openCount: readonly Connection[] = [];
  #partly = false;
  #selected: ConnectionId | null = null;
  #from = 0;
  #pageFrom = 0;
  #followEnd = true;
  #pageLines: readonly string[] = [];
  #diagnosed: Diagnosed | null = null;
  #message: (LiveMessage & { readonly untilMs: number }) | null = null;
  #idWidth = 3;
  #countWidth = 3;
  #listAtMs = 0;
  #findingsAtMs = 0;

  constructor(options: WatchScreenOptions) {
    this.#options = options;
    this.#filterText = options.filter;
    this.#filter = options.filter === '' ? null : parseFilter(options.filter);
  }

  begin(terminal: TerminalScreen): void {
    this.#terminal = terminal;
    const next = (afterMs: number): void => {
      this.#timer = setTimeout(() => {
        const began = performance.now();
        this.frame();
        next(Math.max(frameMs, share * (performance.now() - began)));
      }, afterMs);
    };
    next(0);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The source has ended; `failure`: of itself. What was seen stays on the screen. */
  sourceEnded(failure: string | null): void {
    this.#ended = true;
    this.#endedMs = performance.now();
    this.#options.session.end();
    this.#listAtMs = this.#findingsAtMs = 0;
    if (failure !== null) this.#say(failure, 'bad', Number.POSITIVE_INFINITY);
  }

  /** Draws what is to be seen now. */
  readonly frame = (): void => {
    const terminal = this.#terminal;
    if (terminal === null) return;
    this.#refresh();
    const style = this.#options.styleOf(terminal.columns);
    const screen = this.#compose(terminal.columns, terminal.rows, style);
    terminal.draw(renderLiveScreen(screen, terminal.rows, style));
  };

  readonly key = (key: Key): void => {
    if (this.#typed !== null) this.#type(key);
    else this.#press(key);
    this.frame();
  };

  get #nowNs(): number {
    return this.#pausedAtNs ?? this.#options.feed.nowNs();
  }

  /** What changes more slowly than frames. */
  #refresh(): void {
    const { session, feed, losses } = this.#options;
    const nowMs = performance.now();
    if (!this.#ended) session.passTime(feed.nowNs());
    losses.look(nowMs);
    this.#packetRate.look(nowMs, session.packets);
    if (this.#pausedAtNs !== null) return;
    if (nowMs >= this.#listAtMs || (this.#shown.length === 0 && this.#filter === null)) {
      this.#openCount = session.open();
      this.#requestRate.look(nowMs, session.counts(this.#openCount).requests);
      const { shown, partly } = chooseRows(session, this.#openCount, {
        order: this.#order,
        filter: this.#filter,
        nowNs: this.#nowNs,
      });
      this.#shown = shown;
      this.#partly = partly;
      this.#rows = null;
      this.#listAtMs = performance.now() + Math.max(listMs, share * (performance.now() - nowMs));
    }
    if (nowMs >= this.#findingsAtMs) {
      const began = performance.now();
      this.#diagnosed = session.diagnose();
      this.#findingsAtMs = performance.now() + Math.max(findingsMs, 2.5 * share * (performance.now() - began));
    }
  }

  #rowOf(connection: Connection): LiveRow {
    const nowNs = this.#nowNs;
    return liveRow(this.#options.session.connection(connection.id, nowNs) ?? connection, nowNs);
  }

  #compose(columns: number, rows: number, style: TerminalStyle): LiveScreen {
    const { session, feed, losses, title } = this.#options;
    const body: LiveScreen['body'] =
      this.#view === 'list'
        ? { kind: 'list', rows: [], selected: -1, layout: layOutLive(columns, 3, 3, session.common.value), ...this.#listWords() }
        : { kind: 'page', ...this.#page(style), from: this.#pageFrom };
    const filtered = this.#filterText === '' ? '' : `, filter ${escapeName(this.#filterText)}`;
    const screen: LiveScreen = {
      title: title + filtered,
      state: this.#ended ? 'ended' : this.#pausedAtNs !== null ? 'paused' : 'live',
      elapsed: clockFace((this.#endedMs ?? performance.now()) - this.#startedMs),
      counts: {
        ...session.counts(this.#openCount),
        requestsPerSecond: this.#requestRate.perSecond,
        packetsPerSecond: this.#packetRate.perSecond,
      },
      diagnosed: this.#diagnosed,
      clock: session.clock(),
      source: { name: feed.name, packets: session.packets, seenShare: losses.seenShare, lost: losses.lost },
      body,
      message: this.#currentMessage(),
      prompt: this.#typed === null ? null : { question: 'filter: ', text: escapeName(this.#typed) },
    };
    const room = liveBodyRows(screen, rows);
    return { ...screen, body: body.kind === 'list' ? this.#listBody(columns, room, body) : this.#pageBody(room, body) };
  }

  #listWords(): { common: LiveListWords['common']; commonWords: string; order: string; empty: string } {
    const { session } = this.#options;
    const none = session.packets === 0 ? 'No packets so far.' : 'No connections so far.';
    return {
      common: session.common.value,
      commonWords: session.common.words,
      order: orderWords[this.#order] + (this.#partly ? ', filtered in part' : ''),
      empty: this.#filterText === '' ? none : `No connection matches ${escapeName(this.#filterText)}.`,
    };
  }

  #listBody(columns: number, room: number, body: Extract<LiveScreen['body'], { kind: 'list' }>): LiveScreen['body'] {
    const place = this.#selected === null ? -1 : this.#shown.findIndex(({ id }) => id === this.#selected);
    if (place >= 0) this.#from = Math.min(Math.max(this.#from, place - room + 1), place);
    else if (this.#selected === null) this.#from = 0;
    this.#from = Math.max(0, Math.min(this.#from, this.#shown.length - room));
    const held = this.#pausedAtNs !== null ? this.#rows : null;
    const rows =
      held?.slice(this.#from, this.#from + room) ??
      this.#shown.slice(this.#from, this.#from + room).map((connection) => this.#rowOf(connection));
    for (const row of rows) {
      this.#options.session.common.add(row);
      this.#idWidth = Math.max(this.#idWidth, `#${row.id}`.length);
      this.#countWidth = Math.max(this.#countWidth, `${row.responseCount}`.length, Math.min(7, `${row.exchangeCount}`.length));
    }
    const { session } = this.#options;
    const common = session.common.value;
    const layout = layOutLive(columns, this.#idWidth, this.#countWidth, common);
    const selected = place < 0 ? -1 : place - this.#from;
    return { ...body, rows, selected, layout, common, commonWords: session.common.words };
  }

  #page(style: TerminalStyle): { title: string; lines: readonly string[] } {
    if (this.#pausedAtNs !== null && this.#pageLines.length > 0)
      return { title: this.#view === 'connection' ? `#${this.#selected}` : this.#view, lines: this.#pageLines };
    const { session, feed } = this.#options;
    if (this.#view === 'help') {
      this.#pageLines = watchHelp(style);
      return { title: 'help', lines: this.#pageLines };
    }
    if (this.#view === 'connection') {
      const connection = this.#selected === null ? null : session.connection(this.#selected, this.#nowNs);
      if (connection !== null) this.#pageLines = renderConnection(connection, session.clock(), style);
      return { title: `#${this.#selected}`, lines: this.#pageLines };
    }
    if (this.#diagnosed !== null)
      this.#pageLines = renderSummary(
        { name: feed.name, overview: session.overview, source: session.summary(), chosenBy: null, diagnosed: this.#diagnosed },
        style,
      );
    return { title: 'summary of what has ended', lines: this.#pageLines };
  }

  #pageBody(room: number, body: Extract<LiveScreen['body'], { kind: 'page' }>): LiveScreen['body'] {
    const last = Math.max(0, body.lines.length - room);
    const follows = this.#followEnd && this.#view === 'connection';
    this.#pageFrom = follows ? last : Math.max(0, Math.min(this.#pageFrom, last));
    return { ...body, from: this.#pageFrom };
  }

  #press({ name, text, ctrl }: Key): void {
    const what = ctrl ? `ctrl-${name}` : text !== '' && text !== ' ' ? text : name;
    switch (what) {
      case 'q':
      case 'ctrl-c':
      case 'ctrl-d':
        this.#options.quit();
        break;
      case 'ctrl-z':
        this.#terminal?.suspend();
        break;
      case 'ctrl-l':
        this.#terminal?.forget();
        break;
      case 'space':
        this.#pause();
        break;
      case '/':
        this.#show('list');
        this.#typed = this.#filterText;
        break;
      case 's':
      case 'S':
        this.#order = orders[(orders.indexOf(this.#order) + (what === 's' ? 1 : orders.length - 1)) % orders.length]!;
        this.#listAtMs = 0;
        break;
      case 'f':
        this.#show(this.#view === 'findings' ? 'list' : 'findings');
        break;
      case '?':
      case 'h':
        this.#show(this.#view === 'help' ? 'list' : 'help');
        break;
      case 'return':
      case 'enter':
        if (this.#view === 'list') this.#openSelected();
        break;
      case 'escape':
      case 'backspace':
        if (this.#view === 'list') this.#selected = null;
        else this.#show('list');
        break;
      case 'w':
        this.#saveText();
        break;
      case 'p':
      case 'P':
        this.#savePackets(what === 'p');
        break;
      default:
        this.#move(what);
    }
  }

  #move(what: string): void {
    const page = Math.max(1, (this.#terminal?.rows ?? 24) - 6);
    const steps: Readonly<Record<string, number>> = {
      up: -1,
      k: -1,
      down: 1,
      j: 1,
      pageup: -page,
      pagedown: page,
      home: Number.NEGATIVE_INFINITY,
      g: Number.NEGATIVE_INFINITY,
      end: Number.POSITIVE_INFINITY,
      G: Number.POSITIVE_INFINITY,
    };
    const step = steps[what];
    if (step === undefined) return;
    if (this.#view !== 'list') {
      const target = this.#pageFrom + step;
      this.#followEnd = target === Number.POSITIVE_INFINITY;
      this.#pageFrom = Math.max(0, Math.min(target, this.#pageLines.length));
      return;
    }
    const place = this.#selected === null ? -1 : this.#shown.findIndex(({ id }) => id === this.#selected);
    const next = place < 0 ? this.#from + (step > 1 ? 0 : Math.max(0, step - 1)) : place + step;
    this.#selected = this.#shown[Math.max(0, Math.min(next, this.#shown.length - 1))]?.id ?? null;
  }

  #openSelected(): void {
    this.#selected ??= this.#shown[this.#from]?.id ?? null;
    if (this.#selected !== null) this.#show('connection');
  }

  #show(view: View): void {
    this.#view = view;
    this.#pageLines = [];
    this.#pageFrom = 0;
    this.#followEnd = view === 'connection';
  }

  #pause(): void {
    if (this.#pausedAtNs !== null) {
      this.#pausedAtNs = null;
      this.#rows = null;
      return;
    }
    const nowNs = this.#options.feed.nowNs();
    this.#rows = this.#shown.map((connection) => this.#rowOf(connection));
    this.#pausedAtNs = nowNs;
  }

  #type({ name, text, ctrl }: Key): void {
    const typed = this.#typed ?? '';
    if (name === 'escape' || (ctrl && name === 'c')) this.#typed = null;
    else if (name === 'return' || name === 'enter') this.#applyFilter(typed.trim());
    else if (name === 'backspace') this.#typed = typed.slice(0, -1);
    else if (ctrl && name === 'u') this.#typed = '';
    else if (ctrl && name === 'w') this.#typed = typed.replace(/\S+\s*$/, '');
    else if (!ctrl && text !== '') this.#typed = (typed + text).slice(0, promptLimit);
  }

  #applyFilter(text: string): void {
    try {
      this.#filter = text === '' ? null : parseFilter(text);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      this.#typed = null;
      this.#say(`in the filter, ${error.message} at character ${error.position + 1}. ${error.hint}`, 'bad');
      return;
    }
    this.#typed = null;
    this.#filterText = text;
    this.#selected = null;
    this.#listAtMs = 0;
    if (this.#pausedAtNs !== null) this.#pause();
  }

  #saveText(): void {
    const columns = this.#terminal?.columns ?? 80;
    const style = { ...this.#options.styleOf(columns), palette: plainPalette };
    const from = this.#from;
    const screen = this.#compose(columns, this.#shown.length + savedLinesAround, style);
    const rows = (screen.body.kind === 'list' ? screen.body.rows.length : screen.body.lines.length) + savedLinesAround;
    const lines = renderLiveScreen(this.#compose(columns, rows, style), rows, style).filter((line) => line !== '');
    this.#from = from;
    this.#whenSaved(this.#options.save.text(lines));
  }

  #savePackets(onlyShown: boolean): void {
    const { packets } = this.#options.save;
    if (packets === null) this.#say('the packets are already in the file that is being read', 'plain');
    else this.#whenSaved(packets(onlyShown ? this.#shown : null));
  }

  #whenSaved(saving: Promise<string>): void {
    saving.then(
      (text) => this.#say(text, 'plain'),
      (error: Error) => this.#say(`cannot save: ${error.message}`, 'bad'),
    );
  }

  #say(text: string, level: LiveMessage['level'], forMs = messageMs): void {
    this.#message = { text: escapeName(text), level, untilMs: performance.now() + forMs };
  }

  #currentMessage(): LiveMessage | null {
    if (this.#message !== null && performance.now() > this.#message.untilMs) this.#message = null;
    return this.#message;
  }
}

type LiveListWords = Extract<LiveScreen['body'], { kind: 'list' }>;

/** `0:07`, `12:34`, `3:04:05`. */
function clockFace(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

/** Lines of a saved screen besides the list. */
const savedLinesAround = 40;
