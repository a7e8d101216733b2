// The dashboard in a real browser: every view renders without a console error, its numbers are the
// API's, nothing scrolls sideways on a phone, labels and contrast are there, and what is stale says so.
//
//   node tests/browser/dashboard.mjs http://127.0.0.1:8004 /tmp/shots
//   node tests/browser/dashboard.mjs --stale http://127.0.0.1:8004 /tmp/shots
//   node tests/browser/dashboard.mjs --smooth http://127.0.0.1:8004 /tmp/shots
//
// It needs node 18 or newer and chromedriver with a chromium (Debian: chromium chromium-driver), and
// nothing from npm: it speaks the W3C WebDriver protocol by fetch. CHROMEDRIVER and CHROMIUM name other
// programs than those on the path. Screenshots go to the folder, which is made.
//
// --stale prints `READY` when the page is live; then the caller stops the server, and the page must be
// marked within two seconds of that. --smooth streams for 15 s, up to three times, and fails
// where each had a task of more than LONG_TASK_MS (100): start the server with 500 symbols for it.
// A task's length is wall time, so that a busy machine makes them longer; hence the three times.
//
// Exit: 0 all is well, 1 with a line `FAILED <what>: <why>` for each failure, 2 wrong use.

import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

const phases = ['--stale', '--smooth'];
const phase = process.argv.find((word) => phases.includes(word)) ?? '--views';
const [base, folder] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
if (!base || !folder) {
  console.error('usage: node dashboard.mjs [--stale | --smooth] BASE_URL SCREENSHOT_FOLDER');
  process.exit(2);
}

const LONG_TASK_MS = Number(process.env.LONG_TASK_MS ?? 100);
const STALE_MS = 2000;
const DEADLINE_MS = 30_000;
const DESKTOP = { width: 1440, height: 900, deviceScaleFactor: 1, mobile: false };
const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, mobile: true };

const failures = [];
const fail = (what, why) => {
  failures.push(what);
  console.log(`FAILED ${what}: ${why}`);
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Tries until it gives something true, or says what it was waiting for. */
async function until(what, attempt, deadline = DEADLINE_MS) {
  const end = Date.now() + deadline;
  for (;;) {
    const found = await attempt();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${deadline / 1000} s for ${what}`);
    await sleep(50);
  }
}

// ---- the browser ----

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

class Browser {
  static async start() {
    const port = await freePort();
    const driver = spawn(process.env.CHROMEDRIVER ?? 'chromedriver', [`--port=${port}`], { stdio: 'ignore' });
    const gone = new Promise((_, reject) => {
      driver.on('error', (error) =>
        reject(new Error(`chromedriver does not start: ${error.message} (is chromium-driver installed?)`)),
      );
    });
    const browser = new Browser(`http://127.0.0.1:${port}`, driver);
    await Promise.race([
      gone,
      until('chromedriver', () =>
        fetch(`${browser.url}/status`).then(
          (answer) => answer.ok,
          () => false,
        ),
      ),
    ]);
    const options = {
      args: [
        '--headless=new',
        '--no-sandbox',
        '--disable-dev-shm-usage',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        '--window-size=1440,900',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-quic',
      ],
    };
    if (process.env.CHROMIUM) options.binary = process.env.CHROMIUM;
    const capabilities = {
      alwaysMatch: { browserName: 'chrome', 'goog:chromeOptions': options, 'goog:loggingPrefs': { browser: 'ALL' } },
    };
    const session = await browser.call('POST', '/session', { capabilities });
    browser.url += `/session/${session.sessionId}`;
    return browser;
  }

  constructor(url, driver) {
    this.url = url;
    this.driver = driver;
  }

  async call(method, path, body) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${value.message.split('\n')[0]}`);
    return value;
  }

  cdp = (cmd, params = {}) => this.call('POST', '/goog/cdp/execute', { cmd, params });
  run = (script, ...args) => this.call('POST', '/execute/sync', { script, args });
  size = (metrics) => this.cdp('Emulation.setDeviceMetricsOverride', metrics);
  scheme = (value) => this.cdp('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });

  /** Opens a view afresh, so that each is what a deep link gives. */
  async open(hash) {
    await this.call('POST', '/url', { url: 'about:blank' });
    await this.call('POST', '/url', { url: `${base}/${hash}` });
  }

  async shoot(name) {
    const picture = await this.call('GET', '/screenshot');
    await writeFile(`${folder}/${name}.png`, Buffer.from(picture, 'base64'));
  }

  /** Console errors since the last look, but for answers the page reckons with. */
  async errors() {
    const lines = await this.call('POST', '/se/log', { type: 'browser' });
    const expected = /(\/history\?|\/chain\/|\/analytics\/[^/]+\/bars).*status of (404|503)/;
    return lines.filter((line) => line.level === 'SEVERE' && !expected.test(line.message)).map((line) => line.message);
  }

  async stop() {
    await this.call('DELETE', '').catch(() => {});
    this.driver.kill();
  }
}

// ---- what the API says ----

async function api(path) {
  const answer = await fetch(base + path);
  return answer.ok && answer.status !== 202 ? answer.json() : undefined;
}

const ROLLUPS = {
  portfolio: '/portfolio',
  vix1d: '/vix1d',
  heartbeat: '/heartbeat',
  correlation: '/portfolio/correlation',
};

/** The document behind a `data-field`, and the path within it. */
function source(symbol, field) {
  const [name, ...path] = field.split('.');
  if (symbol !== '*') return { url: `/analytics/${encodeURIComponent(symbol)}/${name}`, path };
  if (name.startsWith('sector:')) return { url: `/portfolio/sectors/${encodeURIComponent(name.slice(7))}`, path };
  return { url: ROLLUPS[name], path };
}

const at = (document, path) => path.reduce((value, key) => value?.[key], document);

const UNITS = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };

/** Whether the text on the page is this value, to the digits shown. */
function says(text, value, document) {
  if (text === '–') return value === null || value === undefined || (document?.meta && document.meta.status !== 'ok');
  if (typeof value === 'string') return text.toLowerCase().includes(value.replaceAll('_', ' ').toLowerCase());
  const found = /([−+]?)([\d,]+(?:\.(\d+))?)\s*([KMBT%]?)/.exec(text);
  if (!found || typeof value !== 'number') return false;
  const [, sign, digits, decimals = '', unit] = found;
  const shown = Number(digits.replaceAll(',', '')) * (sign === '−' ? -1 : 1) * (UNITS[unit] ?? 1);
  // Half a unit of the last digit, and a hair for the halves themselves.
  const step = 0.5001 * 10 ** -decimals.length * (UNITS[unit] ?? 1);
  const near = (wanted) => Math.abs(shown - wanted) <= step + Math.abs(wanted) * 1e-9;
  return near(value) || (unit === '%' && near(value * 100));
}

/**
 * Compares every number of the view that names its field. Values move while one looks: a field is
 * right when the page shows what the API said just before or just after.
 */
async function compare(browser, view, least) {
  const pending = new Map();
  const right = new Set();
  const cells = () =>
    browser.run(
      'return [...document.querySelectorAll("[data-field]")].map((e) => [e.dataset.symbol, e.dataset.field, e.textContent])',
    );
  for (let round = 0; round < 12; round++) {
    const wanted = (await cells()).filter(
      ([symbol, field]) => !right.has(`${symbol} ${field}`) && !field.startsWith('chain.'),
    );
    const urls = [...new Set(wanted.map(([symbol, field]) => source(symbol, field).url))];
    const read = async () => new Map(await Promise.all(urls.map(async (url) => [url, await api(url)])));
    const before = await read();
    const shown = await cells();
    const after = await read();
    pending.clear();
    for (const [symbol, field, text] of shown) {
      const key = `${symbol} ${field}`;
      if (right.has(key) || field.startsWith('chain.')) continue;
      const { url, path } = source(symbol, field);
      const documents = [before.get(url), after.get(url)];
      if (documents.some((document) => says(text, at(document, path), document))) right.add(key);
      else
        pending.set(
          key,
          `page "${text}", API ${documents.map((document) => JSON.stringify(at(document, path))).join(' then ')}`,
        );
    }
    if (!pending.size && right.size >= least) break;
    await sleep(400);
  }
  for (const [key, why] of [...pending].slice(0, 10)) fail(`${view} number ${key}`, why);
  if (right.size < least) fail(`${view} numbers`, `only ${right.size} compared, ${least} wanted`);
  console.log(`${view}: ${right.size} numbers equal the API's`);
}

async function compareChain(browser, symbol) {
  const cells = await browser.run(
    'return [...document.querySelectorAll(".chain [data-field]")].map((e) => [e.dataset.field, e.textContent]).filter(([, text]) => text)',
  );
  const expiry = await browser.run('return document.getElementById("expiry").value');
  const chain = await api(`/chain/${encodeURIComponent(symbol)}?expiry=${expiry}&greeks=true`);
  // What does not move with every quote.
  const steady = new Set(['open_interest', 'oi_change']);
  let equal = 0;
  for (const [field, text] of cells) {
    const [, side, ...rest] = field.split('.');
    const key = rest.pop();
    if (!steady.has(key)) continue;
    const leg = chain?.[side].find((one) => one && one.strike === Number(rest.join('.')));
    if (!leg) continue;
    if (says(text, leg[key])) equal++;
    else fail(`chain number ${field}`, `page "${text}", API ${leg[key]}`);
  }
  if (equal < 20) fail('chain numbers', `only ${equal} equal`);
  console.log(`chain: ${equal} numbers equal the API's`);
}

// ---- what a reader needs ----

/** Names, headings and contrast, as the page stands; runs in the browser. */
const READABLE = `
  const wrong = [];
  const seen = (e) => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden';
  const name = (e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent.trim() || e.title;
  for (const e of document.querySelectorAll('button, input, select, a[href], [role=img], [tabindex="0"]')) if (seen(e) && !name(e)) wrong.push('no name: ' + e.outerHTML.slice(0, 90));
  if (!document.documentElement.lang) wrong.push('the page names no language');
  if (document.querySelectorAll('h1').length !== 1) wrong.push(document.querySelectorAll('h1').length + ' first headings');
  if (document.querySelectorAll('main').length !== 1) wrong.push('not one main part');
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, i, all) => id && all.indexOf(id) !== i && !document.getElementById(id).closest('svg'));
  if (ids.length) wrong.push('ids twice: ' + ids.slice(0, 3));
  for (const table of document.querySelectorAll('table')) if (table.querySelectorAll('th[aria-sort]').length > 1) wrong.push('two columns claim the order');
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; } return rgba(getComputedStyle(document.documentElement).backgroundColor); };
  const done = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || done.has(e) || !seen(e) || e.closest('.js-plotly-plot, .sr, .skip, option, noscript, [aria-hidden=true]')) continue;
    done.add(e);
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) wrong.push('contrast ' + ratio.toFixed(2) + ': ' + e.outerHTML.slice(0, 90));
  }
  return wrong;
`;

async function check(browser, view, size) {
  const over = await browser.run('return document.documentElement.scrollWidth - document.documentElement.clientWidth');
  if (over > 0) fail(`${view} ${size} width`, `the page scrolls sideways by ${over} px`);
  for (const wrong of (await browser.run(READABLE)).slice(0, 5)) fail(`${view} ${size} readable`, wrong);
  for (const error of await browser.errors()) fail(`${view} ${size} console`, error);
}

/** What shows that a view is drawn, beside that no chart is being waited for. */
function viewsOf(symbol) {
  const of = encodeURIComponent(symbol);
  return [
    { name: 'overview', hash: '#/', ready: '.list tbody th a', numbers: 20 },
    {
      name: 'symbol',
      hash: `#/symbol/${of}`,
      ready: '.ladder .size, .panel[aria-label="Order book"] .note',
      charts: 4,
      numbers: 12,
    },
    { name: 'chain', hash: `#/chain/${of}`, ready: '.chain tbody tr' },
    { name: 'surface', hash: `#/surface/${of}`, ready: '.panel[aria-label="Volatility surface"]', charts: 2 },
    {
      name: 'correlation',
      hash: '#/correlation',
      ready:
        '.panel[aria-label="Correlation of returns"] .js-plotly-plot, .panel[aria-label="Correlation of returns"] .note',
    },
    { name: 'sectors', hash: '#/sectors', ready: '.panel[aria-label="Sectors"] tbody tr', numbers: 6 },
    { name: 'jobs', hash: '#/jobs', ready: '.panel[aria-label="Jobs"] tbody tr', numbers: 3 },
  ];
}

async function rendered(browser, { name, hash, ready, charts = 0 }) {
  await browser.open(hash);
  await until(`${name} to be drawn (${ready})`, () =>
    browser.run('return document.querySelectorAll(arguments[0]).length > 0', ready),
  );
  await until(`${charts} charts of ${name}`, () =>
    browser.run(
      'return document.querySelectorAll(".js-plotly-plot .main-svg, .js-plotly-plot canvas").length >= arguments[0]',
      charts,
    ),
  );
}

/** Addresses that mean nothing lead somewhere all the same. */
async function addresses(browser) {
  await browser.size(DESKTOP);
  for (const [hash, ready] of [
    ['#/constructor', '.list tbody th a'],
    ['#/symbol/%', '.empty:not([hidden]) h2'],
    ['#/%E0%A4%A/x', '.list tbody th a'],
  ]) {
    await rendered(browser, { name: `address ${hash}`, hash, ready }).catch((error) => fail(hash, error.message));
    await sleep(700); // What is wrong with a stream is told after the view is drawn.
    if (await browser.run('return document.body.dataset.state')) fail(hash, 'the stream is away');
    for (const error of await browser.errors()) fail(`${hash} console`, error);
  }
}

/** What keeps memory and staleness right for hours, on the page's own modules; runs in the browser. */
const PARTS = `
  return Promise.all([import('/page/store.js'), import('/page/stream.js'), import('/page/book.js')]).then(
    ([{ Store }, { Stream }, { bookStanding }]) => {
      const wrong = [];
      const say = (ok, text) => ok || wrong.push(text);
      const event = (name, i) => JSON.stringify({ symbol: 'A', name, published_at: i, document: { i } });
      const store = new Store();
      for (let i = 0; i < 1000; i++) store.put(event('x', i));
      say(store.unread.size <= 1, 'replaced documents are kept: ' + store.unread.size);
      say(store.get('A', 'x').i === 999, 'the newest document is not the one that stands');
      const busy = { didTimeout: true, timeRemaining: () => 0 };
      for (const name of ['y', 'z']) store.put(event(name, 1));
      const before = store.unread.size;
      store.readSome(busy);
      say(store.unread.size === before - 1, 'a browser that is never idle reads nothing');

      const real = window.EventSource;
      let source;
      window.EventSource = class extends EventTarget {
        constructor() { super(); source = this; }
        close() {}
        send(type, data, lastEventId = '') { this.dispatchEvent(new MessageEvent(type, { data, lastEventId })); }
      };
      const stream = new Stream(store, { onState() {}, onUnauthorized() {} });
      stream.select({ symbols: ['A'], names: null });
      for (const name of ['x', 'y']) source.send('document', event(name, 1));
      source.send('snapshot_end', '{"documents":2}', 'e-1');
      stream.open();
      source.send('document', event('y', 2));
      source.send('snapshot_end', '{"documents":1}', 'e-2');
      say(!store.get('A', 'x') && store.get('A', 'y'), 'a full snapshot after a return leaves what it lacks');
      for (const late of [0, 700, 100]) source.send('heartbeat', JSON.stringify({ now: Date.now() + 5000 - late, behind: 0 }));
      say(Math.abs(store.clockOffset - 5000) < 50, 'the clock is late by what an event took: ' + store.clockOffset);
      stream.source = undefined;
      clearTimeout(stream.retry);
      window.EventSource = real;

      say(bookStanding({ at: 0 }, undefined, 4000).state === 'ok', 'a young book is marked');
      say(bookStanding({ at: 0 }, undefined, 60000).state === 'stale', 'an old book is not marked');
      const meta = { status: 'stale', as_of_ms: 0, valid_until_ms: 5000 };
      say(bookStanding({ at: 0 }, { meta }, 100).state === 'stale', 'a book whose imbalance is stale is not marked');
      return wrong;
    },
  );
`;

async function parts(browser) {
  await rendered(browser, { name: 'overview', hash: '#/', ready: '.list tbody th a' });
  for (const wrong of await browser.run(PARTS)) fail('parts', wrong);
}

async function views(browser) {
  for (const attempt of [addresses, parts]) await attempt(browser).catch((error) => fail(attempt.name, error.message));
  const listed = await until('symbols', async () =>
    (await api('/symbols'))?.symbols.find((one) => one.documents.includes('gex')),
  );
  const matrix = (await api('/portfolio/correlation'))?.matrix;
  for (const view of viewsOf(listed.symbol)) {
    if (view.name === 'correlation' && matrix) view.charts = 1;
    try {
      await browser.size(DESKTOP);
      await browser.scheme('dark');
      await rendered(browser, view);
      await sleep(700);
      await check(browser, view.name, 'dark');
      await browser.shoot(`${view.name}-dark`);
      if (view.numbers) await compare(browser, view.name, view.numbers);
      if (view.name === 'chain') await compareChain(browser, listed.symbol);
      await browser.scheme('light');
      await sleep(700);
      await check(browser, view.name, 'light');
      await browser.shoot(`${view.name}-light`);
      await browser.scheme('dark');
      await browser.size(PHONE);
      await rendered(browser, { ...view, charts: Math.min(view.charts ?? 0, 1) });
      await sleep(700);
      await check(browser, view.name, 'phone');
      await browser.shoot(`${view.name}-phone`);
    } catch (error) {
      fail(view.name, error.message);
    }
  }
}

async function stale(browser) {
  await browser.size(DESKTOP);
  await rendered(browser, { name: 'overview', hash: '#/', ready: '.list tbody th a' });
  await until('a live page', () =>
    browser.run('return !document.body.dataset.state && document.getElementById("banner").hidden'),
  );
  // The page itself notes when it was marked: asking it takes time of its own.
  await browser.run(
    'new MutationObserver(() => { window.markedAt ??= document.body.dataset.state && Date.now(); }).observe(document.body, { attributeFilter: ["data-state"] })',
  );
  console.log('READY');
  const stopped = await until(
    'the server to be stopped',
    () =>
      fetch(`${base}/health`).then(
        () => undefined,
        () => Date.now(),
      ),
    60_000,
  );
  const marked = await until(
    'the page to be marked',
    () => browser.run('return window.markedAt'),
    STALE_MS + 3000,
  ).catch(() => Infinity);
  if (marked - stopped > STALE_MS) fail('stale', `marked ${marked - stopped} ms after the server was gone`);
  else console.log(`stale: marked ${Math.max(0, marked - stopped)} ms after the server was gone`);
  const text = await browser.run('return document.getElementById("banner").innerText');
  if (!/lost|stale/i.test(text)) fail('stale banner', `says "${text}"`);
  const grey = await browser.run('return getComputedStyle(document.querySelector("main")).filter');
  if (!grey.includes('grayscale')) fail('stale colour', `main has the filter ${grey}`);
  await browser.shoot('stale');
}

async function smooth(browser) {
  await browser.cdp('Page.addScriptToEvaluateOnNewDocument', {
    source:
      'window.tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => [e.startTime, e.duration]))).observe({ type: "longtask", buffered: true });',
  });
  await browser.size(DESKTOP);
  await rendered(browser, { name: 'overview', hash: '#/?sort=netgex&dir=desc', ready: '.list tbody th a' });
  await sleep(4000);
  let longest;
  for (let attempt = 0; attempt < 3; attempt++) {
    longest = await longestTask(browser);
    if (longest <= LONG_TASK_MS) break;
  }
  if (longest > LONG_TASK_MS) fail('smooth', `a task of ${longest} ms while streaming, three times`);
  await browser.shoot('smooth');
}

/** Streams and scrolls for a while; the longest task of it. */
async function longestTask(browser) {
  const from = await browser.run('return performance.now()');
  for (let i = 0; i < 15; i++) {
    await sleep(1000);
    await browser.run('document.querySelector(".list .scroll").scrollTop = arguments[0]', (i % 5) * 900);
  }
  const tasks = (await browser.run('return window.tasks'))
    .filter(([start]) => start > from)
    .map(([, length]) => Math.round(length));
  const count = await browser.run('return document.querySelector(".list [role=status]").textContent');
  const longest = Math.max(0, ...tasks);
  console.log(`smooth: ${count}, ${tasks.length} tasks above 50 ms in 15 s, the longest ${longest} ms`);
  return longest;
}

await mkdir(folder, { recursive: true });
const browser = await Browser.start();
try {
  await { '--views': views, '--stale': stale, '--smooth': smooth }[phase](browser);
} catch (error) {
  fail(phase.slice(2), error.message);
} finally {
  await browser.stop();
}
process.exit(failures.length ? 1 : 0);
