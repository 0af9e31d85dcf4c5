/** The public names of `worktable/nestjs`, one by one. */
export { getDatabaseToken, getTableToken } from '../inject/tokens.js';
export { Durable } from './durable-interceptor.js';
export { type HealthCheckOptions, type WorkTableHealth, WorkTableHealthIndicator } from './health-indicator.js';
export { InjectDatabase, InjectTable } from './inject-decorators.js';
export type {
  WorkTableModuleAsyncOptions,
  WorkTableModuleOptions,
  WorkTableOptions,
  WorkTableOptionsFactory,
} from './options.js';
export { WorkTableModule } from './work-table-module.js';
