import { Database, type SelectQuery } from '../../lib/index.js';
import { Order, type Side, Trade, Trader } from './tables.js';

/** What somebody wants. Without a price it is a market order, which takes what there is and does not wait. */
export interface Request {
  readonly trader: string;
  readonly side: Side;
  readonly quantity: number;
  readonly price?: number;
  /** All of it at once, or nothing. */
  readonly fillOrKill?: boolean;
}

export interface Placed {
  readonly id: number;
  readonly filled: number;
  /** What waits in the book now. */
  readonly resting: number;
}

export interface Level {
  readonly price: number;
  readonly quantity: number;
  readonly orders: number;
}

/** An order that cannot be filled as it must be. Nothing of it has happened. */
export class Refused extends Error {}

/**
 * The book of one share. Better prices come first, and at one price whoever came first. An order is matched, settled and
 * put into the book as one transaction: what refuses it, however late, undoes all of it.
 */
export class OrderBook {
  readonly db = new Database({ tables: [Order, Trade, Trader] });
  readonly orders = this.db.table(Order);
  readonly trades = this.db.table(Trade);
  readonly traders = this.db.table(Trader);

  constructor(private readonly clock: () => Date = () => new Date()) {}

  /** @throws Refused where money or shares are short, or a fill-or-kill order cannot be filled */
  place(request: Request): Placed {
    return this.db.transaction(() => {
      const id = this.orders.nextKey();
      const left = this.match(id, request);
      const { trader, side, price, quantity } = request;
      if (left > 0 && request.fillOrKill === true) throw new Refused('it cannot be filled at once');
      if (left === 0 || price === undefined) return { id, filled: quantity - left, resting: 0 };
      this.setAside(trader, side, price, left);
      this.orders.insert({ id, trader, side, price, quantity: left, time: this.clock() });
      return { id, filled: quantity - left, resting: left };
    });
  }

  /** @returns whether the order was still in the book */
  cancel(id: number): boolean {
    return this.db.transaction(() => {
      const order = this.orders.select(id);
      if (order === undefined) return false;
      this.setAside(order.trader, order.side, order.price, -order.quantity);
      return this.orders.delete(id);
    });
  }

  /** The order of this side that is next to be filled. */
  best(side: Side): Order | undefined {
    const level = this.bestPrice(side, this.of(side));
    return level === undefined ? undefined : this.at(side, level).first();
  }

  /** The best prices of a side, each with all that waits there. Looks at these orders alone. */
  depth(side: Side, levels: number): Level[] {
    const found: Level[] = [];
    let price = this.bestPrice(side, this.of(side));
    while (price !== undefined && found.length < levels) {
      const level = this.at(side, price);
      found.push({ price, quantity: level.sum('quantity'), orders: level.count() });
      price = this.bestPrice(side, this.of(side).where('price', side === 'buy' ? '<' : '>', price));
    }
    return found;
  }

  /** Fills an order from the other side, for as long as prices cross. @returns what is left of it */
  private match(id: number, { trader, side, quantity, price }: Request): number {
    const other = side === 'buy' ? 'sell' : 'buy';
    let left = quantity;
    while (left > 0) {
      const resting = this.best(other);
      if (resting === undefined || (price !== undefined && (side === 'buy' ? resting.price > price : resting.price < price))) break;
      const traded = Math.min(left, resting.quantity);
      if (traded === resting.quantity) this.orders.delete(resting.id);
      else this.orders.updateBy(resting.id, { quantity: resting.quantity - traded });
      const [buyOrder, sellOrder] = side === 'buy' ? [id, resting.id] : [resting.id, id];
      this.trades.insert({ buyOrder, sellOrder, price: resting.price, quantity: traded, time: this.clock() });
      this.settle(trader, side, resting.trader, traded, resting.price);
      left -= traded;
    }
    return left;
  }

  /** The resting order has set aside what it gives, so its trader only gets; and gets it first, being the other one perhaps. */
  private settle(trader: string, side: Side, restingTrader: string, shares: number, price: number): void {
    const money = shares * price;
    if (side === 'buy') {
      this.give(restingTrader, money, 0);
      this.give(trader, -money, shares);
    } else {
      this.give(restingTrader, 0, shares);
      this.give(trader, money, -shares);
    }
  }

  /** Takes what a resting order would take; with less than none, gives it back. */
  private setAside(name: string, side: Side, price: number, quantity: number): void {
    if (side === 'buy') this.give(name, -price * quantity, 0);
    else this.give(name, 0, -quantity);
  }

  private give(name: string, money: number, shares: number): void {
    const found = this.traders.queries.settleByName(name, (trader) => {
      trader.cash += BigInt(money);
      trader.shares += shares;
      if (trader.cash < 0n || trader.shares < 0) throw new Refused(`${name} has not enough`);
    });
    if (found === 0) throw new Refused(`nobody is called ${name}`);
  }

  private of(side: Side): SelectQuery<Order> {
    return this.orders.selectAll().where('side', '=', side);
  }

  /** One price of a side, in the order of arrival; ids come in it where times are equal. A walk of `priority`. */
  private at(side: Side, price: number): SelectQuery<Order> {
    return this.of(side).where('price', '=', price).orderBy('time');
  }

  /** One step into `priority`, to the end where the side's best price is. */
  private bestPrice(side: Side, orders: SelectQuery<Order>): number | undefined {
    return side === 'buy' ? orders.max('price') : orders.min('price');
  }
}
