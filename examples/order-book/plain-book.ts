import type { Level, Placed, Request } from './order-book.js';
import type { Side } from './tables.js';

interface PlainOrder {
  readonly id: number;
  readonly trader: string;
  readonly side: Side;
  readonly price: number;
  quantity: number;
}

/** The same book as arrays, searched from end to end, as slowly and as plainly as can be: what the tables must agree with. */
export class PlainBook {
  orders: PlainOrder[] = [];
  readonly trades: { buyOrder: number; sellOrder: number; price: number; quantity: number }[] = [];
  readonly traders = new Map<string, { cash: number; shares: number }>();
  private lastId = 0;

  /** @returns `undefined` where the order is refused, and nothing has happened */
  place(request: Request): Placed | undefined {
    const before = { ...structuredClone({ orders: this.orders, traders: [...this.traders] }), trades: this.trades.length };
    const placed = this.tryToPlace(request);
    const isShort = [...this.traders.values()].some(({ cash, shares }) => cash < 0 || shares < 0);
    if (!isShort && !(request.fillOrKill === true && placed.filled < request.quantity)) {
      this.lastId = placed.id;
      return placed;
    }
    this.orders = before.orders;
    this.trades.length = before.trades;
    for (const [name, holding] of before.traders) this.traders.set(name, holding);
    return undefined;
  }

  private tryToPlace({ trader, side, quantity, price }: Request): Placed {
    const id = this.lastId + 1;
    let left = quantity;
    for (const order of this.sorted(side === 'buy' ? 'sell' : 'buy')) {
      if (left === 0 || (price !== undefined && (side === 'buy' ? order.price > price : order.price < price))) break;
      const traded = Math.min(left, order.quantity);
      left -= traded;
      order.quantity -= traded;
      const [buyOrder, sellOrder] = side === 'buy' ? [id, order.id] : [order.id, id];
      this.trades.push({ buyOrder, sellOrder, price: order.price, quantity: traded });
      // A resting order has set aside its own part: the money of a buyer, the shares of a seller.
      if (side === 'buy') {
        this.give(trader, -traded * order.price, traded);
        this.give(order.trader, traded * order.price, 0);
      } else {
        this.give(trader, traded * order.price, -traded);
        this.give(order.trader, 0, traded);
      }
    }
    this.orders = this.orders.filter((order) => order.quantity > 0);
    const rests = left > 0 && price !== undefined;
    if (rests) {
      this.orders.push({ id, trader, side, price, quantity: left });
      if (side === 'buy') this.give(trader, -left * price, 0);
      else this.give(trader, 0, -left);
    }
    return { id, filled: quantity - left, resting: rests ? left : 0 };
  }

  cancel(id: number): boolean {
    const order = this.orders.find((one) => one.id === id);
    if (order === undefined) return false;
    if (order.side === 'buy') this.give(order.trader, order.price * order.quantity, 0);
    else this.give(order.trader, 0, order.quantity);
    this.orders = this.orders.filter((one) => one !== order);
    return true;
  }

  /** A side's orders, the next to be filled first. */
  sorted(side: Side): PlainOrder[] {
    const sign = side === 'buy' ? -1 : 1;
    return this.orders.filter((order) => order.side === side).sort((a, b) => sign * (a.price - b.price) || a.id - b.id);
  }

  depth(side: Side, levels: number): Level[] {
    const orders = this.sorted(side);
    const prices = [...new Set(orders.map(({ price }) => price))].slice(0, levels);
    return prices.map((price) => {
      const level = orders.filter((order) => order.price === price);
      return { price, quantity: level.reduce((sum, { quantity }) => sum + quantity, 0), orders: level.length };
    });
  }

  private give(name: string, money: number, shares: number): void {
    const trader = this.traders.get(name);
    if (trader === undefined) throw new Error(`nobody is called ${name}`);
    trader.cash += money;
    trader.shares += shares;
  }
}
