// Making and patching elements: text nodes only, so that nothing from a document becomes markup.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes (`class`, `data-…`, `onclick` as a listener) and children. */
export function h(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg(tag, attributes, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Writes text only where it differs: an untouched node costs no layout. */
export function setText(element, text) {
  if (element.lastText === text) return;
  element.lastText = text;
  element.textContent = text;
}

/** Writes or removes an attribute only where it differs. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, String(value));
  }
}

/**
 * Shows a formatted value `{text, title, tone, missing, old}` (see format.js) in an element, with the raw
 * number beside it for whoever reads the page by program; `old` marks what is of the past.
 */
export function show(element, shown, raw) {
  const { text, title, tone, missing, old } = shown;
  const was = element.shown ?? {};
  setText(element, text);
  if (was.title !== title) setAttribute(element, 'title', title || null);
  if (was.tone !== tone) setAttribute(element, 'data-tone', tone || null);
  if (was.raw !== raw) setAttribute(element, 'data-raw', raw ?? null);
  if (was.missing !== missing) setAttribute(element, 'data-missing', missing ? '' : null);
  if (was.old !== old) setAttribute(element, 'data-old', old ? '' : null);
  element.shown = { title, tone, missing, old, raw };
  return element;
}

/** Puts other children in, and leaves each named frame of theirs scrolled as it was. */
export function refill(element, ...children) {
  const framesOf = () => element.querySelectorAll('.scroll[aria-label]');
  const places = new Map();
  for (const frame of framesOf()) places.set(frame.getAttribute('aria-label'), [frame.scrollLeft, frame.scrollTop]);
  const focused = element.contains(document.activeElement) && document.activeElement.getAttribute('aria-label');
  element.replaceChildren(...children);
  for (const frame of framesOf()) {
    const label = frame.getAttribute('aria-label');
    const [left, top] = places.get(label) ?? [0, 0];
    if (left) frame.scrollLeft = left;
    if (top) frame.scrollTop = top;
    if (focused === label) frame.focus({ preventScroll: true });
  }
}

/** Gives the browser's file dialog a file. */
export function download(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Rows of an array of arrays as CSV, quoted where needed. */
export function csv(rows) {
  const cell = (value) => {
    if (value === null || value === undefined) return '';
    const text = String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(',')).join('\n') + '\n';
}
