import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  type MessageEvent,
  NotFoundException,
  Param,
  ParseIntPipe,
  Patch,
  Post,
  Query,
  Sse,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { TableManager } from '../../lib/index.js';
import { Durable, InjectTable } from '../../lib/nestjs/index.js';
import { LiveOrders } from './live-orders.js';
import { Order, type Step } from './order.js';

/** REST on a table. What is wrong with a request the table says itself; `refusals.ts` turns it into a status. */
@Controller('orders')
@Durable()
export class OrdersController {
  constructor(
    @InjectTable(Order) private readonly orders: TableManager<typeof Order>,
    @Inject(LiveOrders) private readonly live: LiveOrders,
  ) {}

  @Get()
  list(@Query('step') step?: Step): Order[] {
    const orders = this.orders.selectAll();
    return (step === undefined ? orders : orders.where('step', '=', step)).limit(200).execute();
  }

  /** Everything that changes, as it changes. A client that was cut off says what it has, and goes on behind it. */
  @Sse('events')
  events(@Headers('last-event-id') lastEventId?: string): Observable<MessageEvent> {
    return this.live.behind(lastEventId);
  }

  @Get(':id')
  one(@Param('id', ParseIntPipe) id: number): Order {
    const order = this.orders.select(id);
    if (order === undefined) throw new NotFoundException();
    return order;
  }

  @Post()
  place(@Body() order: object): Order {
    return this.one(this.orders.insertPlain(order));
  }

  @Patch(':id')
  move(@Param('id', ParseIntPipe) id: number, @Body() { step }: { step: Step }): Order {
    this.orders.updateBy(id, { step });
    return this.one(id);
  }

  @Delete(':id')
  @HttpCode(204)
  cancel(@Param('id', ParseIntPipe) id: number): void {
    if (!this.orders.delete(id)) throw new NotFoundException();
  }
}
