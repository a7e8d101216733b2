// Small panels that change with the market, and what they are drawn from.

import { h, setAttribute, setText, svg } from './dom.js';
import * as format from './format.js';
import { freshness } from './store.js';
import { note } from './empty.js';

/**
 * A panel that is drawn when one of the documents it reads changed: `draw(body)`. The first of them says
 * whether it speaks for now, or `standing(now)` does, as `freshness` would.
 */
export function panel(get, store, { title, unit, span, reads, standing }, draw) {
  const body = h('div', { class: 'dense' });
  const age = h('span', { class: 'muted age' });
  const element = h(
    'section',
    { class: `panel span-${span}`, 'aria-label': title },
    h('div', { class: 'bar' }, h('h2', {}, title), age),
    h('p', { class: 'unit' }, unit),
    body,
  );
  const made = {
    element,
    reads,
    draw() {
      if (this.pending) return;
      this.pending = true;
      requestAnimationFrame(() => {
        this.pending = false;
        draw(body);
      });
    },
    tick(now) {
      const document = get(reads[0]);
      const at = Array.isArray(document) ? document[0]?.at : (document?.meta?.as_of_ms ?? document?.at);
      const fresh = standing?.(now) ?? freshness(document, now);
      setAttribute(element, 'data-state', document && fresh.state !== 'ok' ? fresh.state : null);
      setAttribute(age, 'title', fresh.reason);
      setText(age, at ? `${fresh.state === 'ok' ? '' : `${fresh.state} `}${format.ageText(now - at)}` : '');
    },
  };
  made.draw();
  return made;
}

/** Whether there is a value; else the body says why. */
export function has(body, document, what) {
  if (document && (!document.meta || document.meta.status === 'ok')) return true;
  body.replaceChildren(
    note(
      document
        ? `No value (${document.meta.status}): ${document.meta.reason ?? what}.`
        : `Nothing published yet: ${what}.`,
    ),
  );
  return false;
}

/** Names and values, one pair a row. */
export const pairs = (rows) =>
  h(
    'dl',
    { class: 'pairs' },
    rows.flatMap(([label, shown, help]) => [h('dt', { title: help }, label), h('dd', {}, shown)]),
  );

/** A bar from 0 to 1, or from −1 to 1 around its middle, with a mark. */
export function meter(share, { label, mark, centred } = {}) {
  const at = (x) => Math.max(0, Math.min(100, centred ? 50 + x * 50 : x * 100));
  const from = centred ? Math.min(50, at(share ?? 0)) : 0;
  const wide = typeof share === 'number' ? Math.abs(at(share) - (centred ? 50 : 0)) : 0;
  return svg(
    'svg',
    { class: 'meter', viewBox: '0 0 100 10', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('rect', { class: 'frame', width: 100, height: 10 }),
    svg('rect', { class: centred && share < 0 ? 'fill-down full-down' : 'full', x: from, width: wide, height: 10 }),
    centred ? svg('rect', { class: 'mark', x: 49.8, width: 0.4, height: 10 }) : null,
    typeof mark === 'number' ? svg('rect', { class: 'mark', x: at(mark) - 0.5, width: 1, height: 10 }) : null,
  );
}

/** A line through `[time, value]` points between two values. */
export function sparkline(points, [low, high], label) {
  if (points.length < 2) return h('p', { class: 'muted' }, 'the line begins with the next bucket');
  const [first] = points[0];
  const span = Math.max(1, points.at(-1)[0] - first);
  const d = points
    .map(
      ([at, y], i) =>
        `${i ? 'L' : 'M'}${(((at - first) / span) * 100).toFixed(2)} ${(30 - ((y - low) / (high - low)) * 30).toFixed(2)}`,
    )
    .join('');
  return svg(
    'svg',
    { class: 'meter line-plot', viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('path', { class: 'stroke', d }),
  );
}

/** A name and a value in a line of such. */
export const fact = (label, shown) => h('span', {}, h('span', { class: 'muted' }, `${label} `), shown);
