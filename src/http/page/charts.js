// Charts: panels with a title, unit and sign convention, hover values, and CSV and PNG to take away.
// Plotly is 4.6 MB and is fetched when the first chart comes into sight.

import { csv, download, h, setAttribute, setText, svg } from './dom.js';
import { ageText, priceText } from './format.js';
import { freshness } from './store.js';

/** A chart is drawn again at most this often, unless its `redrawMs` says otherwise. */
const REDRAW_MS = 2000;

/** One sentence needs no more room than this. */
const SAID_HEIGHT = 180;

let loading;

/** Plotly, fetched once. */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = h('script', { src: '/page/plotly.js' });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = undefined;
      reject(new Error('the chart library did not come'));
    };
    document.head.append(script);
  });
  return loading;
}

const open = new Set();
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      target.chart.inSight = isIntersecting;
      target.chart.draw();
    }
  },
  { rootMargin: '200px' },
);

export function closeAll() {
  for (const chart of [...open]) chart.close();
}

export function redrawAll() {
  for (const chart of open) chart.draw(true);
}

/** The page's colours at present, for plotly, which knows no CSS variables. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of('text'),
    muted: of('muted'),
    line: of('line'),
    panel: of('panel'),
    up: of('up'),
    down: of('down'),
    net: of('net'),
    accent: of('accent'),
    good: of('good'),
    warn: of('warn'),
    third: of('third'),
    heatUp: of('heat-up'),
    heatDown: of('heat-down'),
    middle: of('middle'),
  };
}

/**
 * A chart panel. `options`: `title`, `unit` (unit and sign convention, always said), `span` (of twelve
 * columns), `height`, `document()` (what it shows, for age and state), `figure(colours)` →
 * `{data, layout, rows}` or a text that says why there is none; `rows` is the CSV with its head.
 */
export class Chart {
  constructor(options) {
    Object.assign(this, { height: 260, span: 6, redrawMs: REDRAW_MS }, options);
    this.body = h('div', { class: 'plot', 'data-height': this.height });
    this.body.style.height = `${this.height}px`;
    this.age = h('span', { class: 'muted age' });
    this.keys = h('p', { class: 'keys' });
    const tool = (label, act) =>
      h(
        'button',
        { type: 'button', class: 'tool', 'aria-label': `${this.title}: download as ${label}`, onclick: act },
        label,
      );
    this.element = h(
      'section',
      { class: `panel span-${this.span}`, 'aria-label': this.title },
      h(
        'div',
        { class: 'bar' },
        h('h2', {}, this.title),
        ...(this.controls ?? []),
        this.age,
        tool('CSV', () => this.saveCsv()),
        tool('PNG', () => this.savePng()),
      ),
      h('p', { class: 'unit' }, this.unit),
      this.keys,
      this.body,
    );
    this.element.chart = this;
    open.add(this);
    sight.observe(this.element);
  }

  close() {
    this.closed = true;
    sight.unobserve(this.element);
    clearTimeout(this.later);
    // One that is being drawn is cleared when that is done: plotly does not bear it in between.
    if (this.drawn && !this.busy) window.Plotly.purge(this.body);
    open.delete(this);
  }

  /** Age and state, several times a second. */
  tick(now) {
    const document = this.document?.();
    const fresh = freshness(document, now);
    setAttribute(this.element, 'data-state', !document || fresh.state === 'ok' ? null : fresh.state);
    const at = document?.meta?.as_of_ms;
    const text = at
      ? `${fresh.state === 'ok' ? '' : `${fresh.state} `}${ageText(now - at)}${fresh.delayed ? `, delayed ${fresh.delayed}` : ''}`
      : '';
    setText(this.age, text);
    setAttribute(this.age, 'title', fresh.reason ?? 'age of its newest input');
  }

  /** Draws where it is in sight and its document is another one; `again` in any case. */
  draw(again) {
    if (this.closed || !this.inSight || this.busy) return;
    const document = this.document?.();
    if (!again && this.drawn && document === this.drawnOf && !this.stale) return;
    const wait = again ? 0 : this.redrawMs - (performance.now() - (this.drawnAt ?? -this.redrawMs));
    if (wait > 0) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.draw(), wait);
      return;
    }
    this.busy = true;
    // One chart a task, so that a page of them never holds the browser.
    queue(() => this.drawNow(document));
  }

  async drawNow(document) {
    try {
      if (this.closed) return;
      const figure = this.figure(colours());
      if (typeof figure === 'string') return this.say(figure);
      const library = await plotly();
      if (this.closed) return;
      if (this.said) this.body.replaceChildren();
      this.body.style.height = `${this.height}px`;
      this.said = undefined;
      this.rows = figure.rows;
      this.drawKeys(figure.keys ?? []);
      setAttribute(this.body, 'role', 'img');
      setAttribute(
        this.body,
        'aria-label',
        `${this.title}. ${this.unit}. ${figure.summary ?? ''} Values are in the CSV.`,
      );
      await library.react(this.body, figure.data, this.layout(figure.layout), CONFIG);
      this.drawn = true;
      if (this.closed) library.purge(this.body);
    } catch (error) {
      this.say(`This chart could not be drawn: ${error.message}.`);
    } finally {
      this.drawnOf = document;
      if (this.drawn) this.drawnAt = performance.now();
      this.stale = false;
      this.busy = false;
      if (!this.closed && this.document?.() !== document) this.draw(); // Another came meanwhile.
    }
  }

  /** Names the lines at levels, which would cover one another as labels in the chart. */
  drawKeys(keys) {
    const dashes = { solid: null, dash: '5 3', dot: '2 2' };
    this.keys.replaceChildren(
      ...keys.map(({ at, name, ink, dash }) =>
        h(
          'span',
          {},
          svg(
            'svg',
            { viewBox: '0 0 18 8', 'aria-hidden': 'true' },
            svg('line', {
              x1: 0,
              x2: 18,
              y1: 4,
              y2: 4,
              stroke: ink,
              'stroke-width': 2,
              'stroke-dasharray': dashes[dash],
            }),
          ),
          `${name} ${priceText(at)}`,
        ),
      ),
    );
  }

  say(text) {
    if (this.said === text) return;
    if (this.drawn) window.Plotly.purge(this.body);
    this.drawn = false;
    this.said = text;
    this.rows = undefined;
    this.body.removeAttribute('role');
    this.body.style.height = `${Math.min(this.height, SAID_HEIGHT)}px`;
    this.body.replaceChildren(h('p', { class: 'note' }, text));
  }

  /** What every chart looks like, with its own on top. */
  layout(own) {
    const { text, muted, line } = colours();
    const axis = (more) => ({
      gridcolor: line,
      linecolor: line,
      zerolinecolor: muted,
      zerolinewidth: 1,
      tickfont: { size: 11, color: muted },
      automargin: true,
      separatethousands: true,
      ...more,
    });
    const { xaxis, yaxis, ...more } = own ?? {};
    return {
      autosize: true,
      height: this.height,
      margin: { l: 52, r: 12, t: 8, b: 32 },
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: 'system-ui, sans-serif', size: 11, color: text },
      showlegend: true,
      legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom', font: { size: 11, color: muted } },
      hovermode: 'x unified',
      hoverlabel: { font: { size: 11 } },
      dragmode: matchMedia('(pointer: coarse)').matches ? false : 'zoom',
      uirevision: this.title,
      bargap: 0.15,
      transition: { duration: 0 },
      xaxis: axis(xaxis),
      yaxis: axis(yaxis),
      ...more,
    };
  }

  fileName(extension) {
    const of = this.of ? `${this.of}-` : '';
    return `${of}${this.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${extension}`;
  }

  saveCsv() {
    if (this.rows) download(this.fileName('csv'), 'text/csv', csv(this.rows));
  }

  async savePng() {
    if (!this.drawn) return;
    const { panel } = colours();
    const url = await window.Plotly.toImage(
      {
        data: this.body.data,
        layout: {
          ...this.body.layout,
          paper_bgcolor: panel,
          title: { text: `${this.of ?? ''} ${this.title}: ${this.unit}`, font: { size: 12 } },
          margin: { ...this.body.layout.margin, t: 48 },
        },
      },
      { format: 'png', width: 1200, height: 600, scale: 2 },
    );
    h('a', { href: url, download: this.fileName('png') }).click();
  }
}

const CONFIG = { displayModeBar: false, responsive: true, displaylogo: false, showTips: false, doubleClick: 'reset' };

let tail = Promise.resolve();
function queue(work) {
  tail = tail.then(
    () =>
      new Promise((done) => {
        setTimeout(async () => {
          try {
            await work();
          } finally {
            done(); // Whatever became of one, the others are drawn.
          }
        }, 0);
      }),
  );
}

/** A vertical line at a level, with its name at the top (or so much lower), `left` of it where there is no room. */
export function level(at, name, colour, row = 0, dash = 'dash', left = false) {
  return {
    shape: { type: 'line', x0: at, x1: at, yref: 'paper', y0: 0, y1: 1, line: { color: colour, width: 1.2, dash } },
    annotation: {
      x: at,
      yref: 'paper',
      y: 1 - row * 0.08,
      text: name,
      showarrow: false,
      font: { size: 10, color: colour },
      xanchor: left ? 'right' : 'left',
      yanchor: 'top',
      xshift: left ? -3 : 3,
    },
  };
}

/** The range of an axis around these values, so wide at least: noise is not to fill a chart. */
export function rangeOf(values, least) {
  const known = values.filter((one) => typeof one === 'number');
  if (!known.length) return undefined;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = Math.max((high - low) * 0.06, (least - (high - low)) / 2);
  return [low - room, high + room];
}

/** Why a chart has nothing to draw. */
export const none = (document, what) =>
  document ? `No value: ${document.meta.reason ?? what}.` : `Nothing published yet: ${what}.`;
