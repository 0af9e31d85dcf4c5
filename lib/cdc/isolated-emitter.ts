import { EventEmitter } from 'eventemitter3';

// biome-ignore lint/suspicious/noExplicitAny: the shape of any listener, as eventemitter3 types it
type AnyListener = (...args: any[]) => unknown;
type EventMap<E> = { [K in keyof E]: AnyListener };
type Name<E> = Extract<keyof E, string | symbol>;

/** Told of what a listener threw, or rejected with, and of the event that it was listening to. */
export type ListenerFailure = (error: unknown, event: string) => void;

/**
 * eventemitter3 whose listeners cannot harm one another: what one throws, or what its promise rejects with, goes to
 * `failed`, and the others are called all the same.
 */
export class IsolatedEmitter<Events extends EventMap<Events>> {
  private readonly emitter = new EventEmitter();
  /** One guard for each listener function, so that `off` finds what `on` registered. */
  private readonly guards = new Map<string | symbol, WeakMap<AnyListener, AnyListener>>();

  constructor(private readonly failed: ListenerFailure) {}

  on<K extends Name<Events>>(event: K, listener: Events[K]): void {
    this.emitter.on(event, this.guard(event, listener));
  }

  once<K extends Name<Events>>(event: K, listener: Events[K]): void {
    this.emitter.once(event, this.guard(event, listener));
  }

  off<K extends Name<Events>>(event: K, listener: Events[K]): void {
    const guard = this.guards.get(event)?.get(listener);
    if (guard !== undefined) this.emitter.off(event, guard);
  }

  has(event: Name<Events>): boolean {
    return this.emitter.listenerCount(event) > 0;
  }

  removeAll(): void {
    this.emitter.removeAllListeners();
  }

  /** Calls each listener with what `make` gives it: an object of its own. */
  emit<K extends Name<Events>>(event: K, make: () => Parameters<Events[K]>): void {
    this.emitter.emit(event, make);
  }

  private guard(event: string | symbol, listener: AnyListener): AnyListener {
    if (typeof listener !== 'function') throw new TypeError('a listener is a function');
    let known = this.guards.get(event);
    if (known === undefined) {
      known = new WeakMap();
      this.guards.set(event, known);
    }
    let guard = known.get(listener);
    if (guard === undefined) {
      guard = (make: () => unknown[]) => {
        try {
          const result = listener(...make());
          if (isThenable(result)) result.then(undefined, (error: unknown) => this.failed(error, String(event)));
        } catch (error) {
          this.failed(error, String(event));
        }
      };
      known.set(listener, guard);
    }
    return guard;
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
