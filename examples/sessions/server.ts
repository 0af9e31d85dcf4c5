import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { SessionStore } from './session-store.js';

const COOKIE = 'session';

/** `POST /login?user=ada`, `GET /me`, `POST /logout`, `POST /logout-everywhere`. There are no passwords: this is about sessions. */
export function createSessionServer(store: SessionStore): Server {
  return createServer((request, response) => {
    answer(store, request, response).catch(() => send(response, 500, { error: 'it went wrong' }));
  });
}

async function answer(store: SessionStore, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const route = `${request.method} ${url.pathname}`;
  if (route === 'POST /login') {
    const user = url.searchParams.get('user') ?? '';
    const token = await store.create(user, { agent: request.headers['user-agent'] ?? '' });
    response.setHeader('Set-Cookie', `${COOKIE}=${token}; HttpOnly; SameSite=Lax; Path=/`);
    return send(response, 200, { user });
  }
  const token = cookieOf(request);
  const session = token === undefined ? undefined : store.use(token);
  if (token === undefined || session === undefined) return send(response, 401, { error: 'log in first' });
  switch (route) {
    case 'GET /me':
      return send(response, 200, { user: session.user, expiresAt: session.expiresAt });
    case 'POST /logout':
      await store.end(token);
      response.setHeader('Set-Cookie', `${COOKIE}=; Max-Age=0; Path=/`);
      return send(response, 200, {});
    case 'POST /logout-everywhere':
      return send(response, 200, { ended: await store.endAll(session.user) });
    default:
      return send(response, 404, { error: 'no such page' });
  }
}

function cookieOf(request: IncomingMessage): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([name]) => name === COOKIE)?.[1];
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
