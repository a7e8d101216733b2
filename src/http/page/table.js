// A sortable table of many live rows: only what is in sight exists, cells are patched where they
// differ, and the order is looked at again once a second at most.

import { h, setAttribute, show } from './dom.js';

const ROW_HEIGHT = 28;
const BEYOND = 8;
const REORDER_MS = 1000;

/**
 * `columns`: `{key, label, title, text, sort(row), show(row), field, wide}`: `show` gives a formatted
 * value (format.js), or `draw` fills the cell; `sort` a number, text or nothing; `text` stands left.
 */
export class Table {
  constructor({ columns, caption, sort, descending, onSort, onSight, rowOf, link, mark }) {
    Object.assign(this, { columns, sort, descending, onSort, onSight, rowOf, link, mark });
    this.keys = [];
    this.order = [];
    this.rows = new Map();
    this.dirty = new Set();
    this.body = h('tbody', {});
    this.heads = columns.map((column) => this.head(column));
    this.table = h(
      'table',
      { class: 'grid', 'aria-rowcount': '0' },
      h('caption', { class: 'sr' }, caption),
      h('thead', {}, h('tr', {}, this.heads)),
      this.body,
    );
    this.element = h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption }, this.table);
    this.top = spacer(columns.length);
    this.bottom = spacer(columns.length);
    this.onScroll = () => this.soon();
    addEventListener('scroll', this.onScroll, { passive: true, capture: true });
    addEventListener('resize', this.onScroll, { passive: true });
    this.markSort();
  }

  close() {
    removeEventListener('scroll', this.onScroll, { capture: true });
    removeEventListener('resize', this.onScroll);
    this.closed = true;
  }

  head(column) {
    const button = h(
      'button',
      { type: 'button', onclick: () => this.sortBy(column) },
      column.label,
      h('span', { class: 'dir', 'aria-hidden': 'true' }),
    );
    return h('th', { scope: 'col', title: column.title, class: column.text ? 'text' : null }, button);
  }

  sortBy(column) {
    this.descending = this.sort === column.key ? !this.descending : !column.text;
    this.sort = column.key;
    this.markSort();
    this.reorder();
    this.onSort?.(this.sort, this.descending);
  }

  markSort() {
    this.columns.forEach((column, i) => {
      const active = column.key === this.sort;
      setAttribute(this.heads[i], 'aria-sort', active ? (this.descending ? 'descending' : 'ascending') : null);
    });
  }

  /** Which rows there are. */
  setKeys(keys) {
    this.keys = keys;
    this.reorder();
  }

  /** Rows whose values changed. */
  touch(keys) {
    for (const key of keys) this.dirty.add(key);
    this.soon();
  }

  /** Every row in sight is looked at again. */
  touchAll() {
    this.touch(this.rows.keys());
  }

  soon() {
    if (this.pending || this.closed) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      if (this.closed) return;
      if (this.dirty.size && performance.now() - (this.orderedAt ?? 0) > REORDER_MS) this.reorder(true);
      this.render();
    });
  }

  reorder(quiet) {
    this.orderedAt = performance.now();
    const column = this.columns.find((one) => one.key === this.sort) ?? this.columns[0];
    const sign = this.descending ? -1 : 1;
    const keyed = this.keys.map((key) => [key, column.sort(this.rowOf(key))]);
    const none = (value) => value === undefined || value === null;
    keyed.sort(([a, x], [b, y]) => {
      if (none(x) || none(y)) return none(x) - none(y) || (a < b ? -1 : 1); // what is absent stands last
      return (x < y ? -sign : x > y ? sign : 0) || (a < b ? -1 : 1);
    });
    this.order = keyed.map(([key]) => key);
    setAttribute(this.table, 'aria-rowcount', this.order.length + 1);
    if (!quiet) this.soon();
  }

  /** From which to which row the reader sees, with a few beyond. */
  range() {
    const total = this.order.length;
    if (total <= 40) return [0, total];
    const table = this.table.getBoundingClientRect();
    const frame = this.element.getBoundingClientRect();
    const head = this.heads[0].offsetHeight;
    const above = Math.max(0, Math.max(0, frame.top) - table.top - head);
    const seen = Math.max(0, Math.min(innerHeight, frame.bottom) - Math.max(0, frame.top));
    const first = Math.max(0, Math.min(total - 1, Math.floor(above / ROW_HEIGHT) - BEYOND));
    return [first, Math.min(total, first + Math.ceil(seen / ROW_HEIGHT) + 2 * BEYOND)];
  }

  render() {
    const [first, last] = this.range();
    const keys = this.order.slice(first, last);
    const wanted = new Set(keys);
    for (const key of this.rows.keys()) if (!wanted.has(key)) this.rows.delete(key);
    const elements = keys.map((key, i) => {
      let row = this.rows.get(key);
      if (!row) {
        row = this.makeRow(key);
        this.rows.set(key, row);
        this.dirty.add(key);
      }
      if (this.dirty.has(key)) this.patch(row, key);
      setAttribute(row.element, 'aria-rowindex', first + i + 2);
      return row.element;
    });
    this.dirty.clear();
    this.onSight?.(keys);
    this.top.firstChild.height = first * ROW_HEIGHT;
    this.bottom.firstChild.height = (this.order.length - last) * ROW_HEIGHT;
    this.place([this.top, ...elements, this.bottom]);
  }

  /** Puts the rows in order, touching none that stands right, and keeps the keyboard's place. */
  place(elements) {
    const present = this.body.children;
    if (present.length === elements.length && elements.every((element, i) => present[i] === element)) return;
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    this.body.replaceChildren(...elements);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  makeRow(key) {
    const cells = this.columns.map((column, i) => {
      const target = i === 0 && this.link ? h('a', { href: this.link(key) }) : null;
      const attributes = {
        class: column.text ? 'text' : null,
        'data-symbol': column.field ? key : null,
        'data-field': column.field,
      };
      const cell = i === 0 ? h('th', { scope: 'row', ...attributes }, target) : h('td', attributes);
      return target ?? cell;
    });
    const element = h(
      'tr',
      {},
      cells.map((cell) => (cell.tagName === 'A' ? cell.parentNode : cell)),
    );
    return { element, cells };
  }

  patch(row, key) {
    const values = this.rowOf(key);
    this.columns.forEach((column, i) => {
      if (column.draw) column.draw(row.cells[i], values);
      else show(row.cells[i], column.show(values), column.raw?.(values));
    });
    setAttribute(row.element, 'data-state', this.mark?.(values));
  }
}

function spacer(columns) {
  return h('tr', { class: 'spacer', 'aria-hidden': 'true' }, h('td', { colspan: columns }));
}

/** A small table that is made at once: head texts, and rows of elements or texts. */
export function plainTable(caption, heads, rows, { text = 1 } = {}) {
  const left = (i) => (i < text ? 'text' : null);
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption },
    h(
      'table',
      { class: 'grid' },
      h('caption', { class: 'sr' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((head, i) => h('th', { scope: 'col', class: left(i) }, head)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) =>
          h(
            'tr',
            {},
            row.map((cell, i) =>
              i === 0 ? h('th', { scope: 'row', class: left(i) }, cell) : h('td', { class: left(i) }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

/** An element that shows a formatted value, for tables and lists made at once. */
export function value(shown, raw, symbol, field) {
  return show(h('span', { 'data-symbol': field ? symbol : null, 'data-field': field }), shown, raw);
}
