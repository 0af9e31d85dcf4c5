import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser, findBrowser } from './browser.js';

/** A handful of dishes, and one that a page must not take for HTML. */
const DISHES = ['Onion soup', 'Risotto with saffron', '<img src=x onerror="document.title=1">', 'Apple tart'];

/**
 * Looks at the page in Chromium, where it is installed: rows, changes made elsewhere, the form, and a narrow screen.
 * With the environment variable SCREENSHOTS, the name of a folder, it leaves pictures there.
 */
export async function checkInBrowser(url: string): Promise<void> {
  const executable = findBrowser();
  if (executable === undefined) {
    console.error('  the page was not tried in a browser: no Chromium is on the PATH, and CHROMIUM names none');
    return;
  }
  const profile = mkdtempSync(join(tmpdir(), 'worktable-browser-'));
  const browser = await Browser.start(executable, profile);
  try {
    const page = await browser.open(url);
    await page.until("document.getElementById('state').textContent === 'live'");
    const rows = () => page.evaluate<string[]>("[...document.querySelectorAll('tbody tr')].map((row) => row.cells[1].textContent)");
    const before = (await rows()).length;

    for (const [place, dish] of DISHES.entries()) await send(`${url}/orders`, 'POST', { dish, seat: place + 1 });
    await page.until(`document.querySelectorAll('tbody tr').length === ${before + DISHES.length}`);
    assert.deepEqual((await rows()).slice(0, DISHES.length), [...DISHES].reverse());
    assert.equal(await page.evaluate('document.title'), 'Kitchen');
    assert.equal(await page.evaluate("document.querySelectorAll('tbody img').length"), 0);

    // By hand: the form, and the button that moves the newest order on.
    await page.evaluate(
      "(document.forms[0].dish.value = 'Espresso', document.forms[0].seat.value = '9', document.forms[0].requestSubmit())",
    );
    await page.until("document.querySelector('tbody tr').cells[1].textContent === 'Espresso'");
    await page.evaluate("document.querySelector('tbody tr button').click()");
    await page.until("document.querySelector('tbody tr').dataset.step === 'cooking'");
    await page.screenshot('wide.png');

    await page.evaluate(
      "(document.forms[0].dish.value = 'Espresso', document.forms[0].seat.value = '1e10', document.forms[0].noValidate = true, document.forms[0].requestSubmit())",
    );
    await page.until("!document.getElementById('problem').hidden");
    await page.narrow(375, 720);
    assert(await page.evaluate('document.documentElement.scrollWidth <= 375'), 'it fits a phone');
    await page.screenshot('narrow.png');
    assert.deepEqual(page.complaints, []);
    console.log(`in a browser: ${before + DISHES.length + 1} rows, live, and on a narrow screen`);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function send(url: string, method: string, body: object): Promise<void> {
  const { ok } = await fetch(url, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert(ok);
}
