import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Order } from './order.js';

interface Change {
  readonly kind: string;
  readonly id: number;
  readonly order: Order | null;
}

export interface Message {
  readonly type: string;
  readonly id: string | undefined;
  /** Of an image. */
  readonly data: { readonly rows: readonly Order[]; readonly last: boolean };
  /** Of a transaction: `kind id dish`. */
  readonly changes: readonly string[];
}

/** A client of server-sent events, as a browser has one. */
export class EventClient {
  private readonly messages: AsyncGenerator<Message>;
  private constructor(private readonly response: IncomingMessage) {
    this.messages = messagesOf(response);
  }

  static async open(url: string, lastEventId?: string): Promise<EventClient> {
    const headers = { accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
    const [response] = (await once(get(url, { headers }), 'response')) as [IncomingMessage];
    return new EventClient(response);
  }

  async next(): Promise<Message> {
    const { value, done } = await this.messages.next();
    if (done) throw new Error('the stream has ended');
    return value;
  }

  /** What still comes, until the server ends the stream. */
  async rest(): Promise<Message[]> {
    const rest: Message[] = [];
    for await (const message of this.messages) rest.push(message);
    return rest;
  }

  close(): void {
    this.response.destroy();
  }
}

async function* messagesOf(response: IncomingMessage): AsyncGenerator<Message> {
  let fields: Record<string, string> = {};
  for await (const line of createInterface({ input: response })) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields[name] = value;
    if (line !== '' || fields.data === undefined) continue;
    const data = JSON.parse(fields.data);
    const changes = Array.isArray(data) ? data.map(({ kind, id, order }: Change) => `${kind} ${id} ${order?.dish ?? ''}`) : [];
    yield { type: fields.event ?? 'message', id: fields.id, data, changes };
    fields = {};
  }
}
