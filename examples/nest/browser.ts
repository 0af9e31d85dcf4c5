import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ARGUMENTS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-extensions', '--disable-component-update'],
  ...['--disable-background-networking', '--no-first-run', '--no-default-browser-check', '--remote-debugging-pipe', '--mute-audio'],
];
const LONGEST_MS = 30_000;

/** Chromium's executable: the one that the variable CHROMIUM names, or the first that is found on the PATH. */
export function findBrowser(): string | undefined {
  const places = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env.CHROMIUM, ...places].find((path) => {
    if (!path) return false;
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly exceptionDetails?: { readonly text: string };
    readonly entry?: { readonly level: string; readonly text: string };
  };
  // biome-ignore lint/suspicious/noExplicitAny: each command has an answer of its own
  readonly result?: any;
  readonly error?: { readonly message: string };
}

/** Chromium without a window, spoken to by its DevTools protocol: JSON between two pipes, each message ended by a zero. */
export class Browser {
  private readonly waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  private last = 0;
  private rest = '';
  /** What pages complained of. */
  readonly complaints: string[] = [];

  private constructor(private readonly process: ChildProcess) {
    (process.stdio[4] as Readable).setEncoding('utf8').on('data', (part: string) => this.read(part));
    process.once('exit', (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the browser ended with ${code}`));
    });
  }

  /** `profile` is a folder for what it writes. */
  static async start(executable: string, profile: string): Promise<Browser> {
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
    const browser = new Browser(spawn(executable, [...ARGUMENTS, `--user-data-dir=${profile}`], { stdio: [...stdio] }));
    await browser.ask('Browser.getVersion', {});
    return browser;
  }

  private read(part: string): void {
    const messages = (this.rest + part).split('\0');
    this.rest = messages.pop() ?? '';
    for (const text of messages) {
      const { id, method, params, result, error } = JSON.parse(text) as Reply;
      const waiter = id === undefined ? undefined : this.waiting.get(id);
      if (id !== undefined) this.waiting.delete(id);
      if (error !== undefined) waiter?.reject(new Error(error.message));
      else waiter?.resolve(result as never);
      if (method === 'Runtime.exceptionThrown') this.complaints.push(params?.exceptionDetails?.text ?? method);
      // That the server refuses a request is what is tried.
      if (method === 'Log.entryAdded' && params?.entry?.level === 'error' && !params.entry.text.includes('status of 400')) {
        this.complaints.push(params.entry.text);
      }
    }
  }

  ask<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.last;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      (this.process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async open(url: string): Promise<Page> {
    const { targetId } = await this.ask<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.ask<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId);
    for (const domain of ['Runtime', 'Log', 'Page']) await page.ask(`${domain}.enable`);
    await page.ask('Page.navigate', { url });
    return page;
  }

  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    await Promise.race([this.ask('Browser.close', {}).catch(() => undefined), ended]);
    if (await Promise.race([ended.then(() => false), sleep(5000, true, { ref: false })])) this.process.kill('SIGKILL');
    await ended;
  }
}

export class Page {
  constructor(
    private readonly browser: Browser,
    private readonly sessionId: string,
  ) {}

  get complaints(): readonly string[] {
    return this.browser.complaints;
  }

  ask<T>(method: string, params: object = {}): Promise<T> {
    return this.browser.ask<T>(method, params, this.sessionId);
  }

  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.ask<{ result: { value: T }; exceptionDetails?: { text: string } }>('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }

  /** Waits until an expression is true on the page. */
  async until(expression: string): Promise<void> {
    for (const end = performance.now() + LONGEST_MS; performance.now() < end; await sleep(20)) {
      if (await this.evaluate<boolean>(`!!document.body && document.readyState === 'complete' && (${expression})`)) return;
    }
    throw new Error(`it did not come true: ${expression}`);
  }

  narrow(width: number, height: number): Promise<void> {
    return this.ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 2, mobile: true });
  }

  /** Leaves a picture in the folder that SCREENSHOTS names, if it names any. */
  async screenshot(name: string): Promise<void> {
    const folder = process.env.SCREENSHOTS;
    if (folder === undefined) return;
    await sleep(2000); // what arrived is marked for a while
    const { data } = await this.ask<{ data: string }>('Page.captureScreenshot', { format: 'png' });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), Buffer.from(data, 'base64'));
  }
}
