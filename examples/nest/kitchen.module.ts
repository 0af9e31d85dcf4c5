import { Controller, type DynamicModule, Get, Inject, Module, ServiceUnavailableException } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { type WorkTableHealth, WorkTableHealthIndicator, WorkTableModule } from '../../lib/nestjs/index.js';
import { LiveOrders } from './live-orders.js';
import { Order } from './order.js';
import { OrdersController } from './orders.controller.js';
import { PageController } from './page.controller.js';
import { Refusals } from './refusals.js';

@Controller('health')
class HealthController {
  constructor(@Inject(WorkTableHealthIndicator) private readonly workTable: WorkTableHealthIndicator) {}

  @Get()
  async check(): Promise<WorkTableHealth> {
    const health = await this.workTable.check('kitchen');
    if (health.kitchen.status === 'down') throw new ServiceUnavailableException(health);
    return health;
  }
}

@Module({
  imports: [WorkTableModule.forFeature([Order])],
  controllers: [OrdersController, PageController, HealthController],
  providers: [LiveOrders, { provide: APP_FILTER, useClass: Refusals }],
})
class KitchenModule {}

/** The whole application, with its store in the directory `path`. */
export function kitchenIn(path: string): DynamicModule {
  return { module: KitchenModule, imports: [WorkTableModule.forRoot({ path })] };
}
